// The basket: lines of { id, name, price, thumb, quantity }, kept in this browser.
// It needs no network. Other tabs hear of a change through the storage event.

const KEY = 'flowers.basket';
const kept = window.posy.store(KEY);
const QUANTITY_MAX = 99;

class Cart extends EventTarget {
  get lines() { return kept.get([]); }
  get stems() { return this.lines.reduce((sum, line) => sum + line.quantity, 0); }
  get total() { return this.lines.reduce((sum, line) => sum + line.quantity * line.price, 0); }

  add({ id, name, price, thumb }, quantity = 1) {
    const lines = this.lines;
    const line = lines.find((known) => known.id === id);
    if (line) Object.assign(line, { name, price, thumb, quantity: Math.min(QUANTITY_MAX, line.quantity + quantity) });
    else lines.push({ id, name, price, thumb, quantity });
    this.#keep(lines);
  }

  set(id, quantity) {
    const lines = this.lines.map((line) => (line.id === id ? { ...line, quantity: Math.min(QUANTITY_MAX, quantity) } : line));
    this.#keep(lines.filter((line) => line.quantity > 0));
  }

  clear() { this.#keep([]); }

  #keep(lines) {
    kept.set(lines);
    this.dispatchEvent(new Event('change'));
  }
}

export const cart = new Cart();

window.addEventListener('storage', (event) => {
  if (event.key === KEY || event.key === null) cart.dispatchEvent(new Event('change'));
});
