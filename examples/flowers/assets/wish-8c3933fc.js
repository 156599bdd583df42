// The wish list: what the visitor wants to find again, kept in this browser. Where the site fetches
// ahead, `window.revisit` also keeps each product's page for reading offline.

const KEY = 'flowers.wishes';
const kept = window.posy.store(KEY);
const { h, fill, one } = window.posy;

const pageOf = (id) => `/products/${id}.html`;

export const wishes = () => kept.get([]);

/** Puts a product on the list, or takes it off; says whether it is there now. */
export function toggle({ id, name }) {
  const others = wishes().filter((wish) => wish.id !== id);
  const isNew = others.length === wishes().length;
  kept.set(isNew ? [...others, { id, name }] : others);
  if (isNew) window.revisit?.save?.(pageOf(id), { title: name, urls: [`/api/products/${id}.json`] });
  else window.revisit?.forget?.(pageOf(id));
  return isNew;
}

/** A button that does so. */
export function heart(item) {
  const draw = (on) => {
    button.setAttribute('aria-pressed', String(on));
    button.textContent = on ? '♥ On your wish list' : '♡ Wish list';
  };
  const button = h('button', { type: 'button', class: 'quiet', onclick: () => draw(toggle(item)) });
  draw(wishes().some(({ id }) => id === item.id));
  return button;
}

/** The list in one line, where a page has a place for it. */
export function wishLine() {
  const place = one('#wishes');
  const draw = () => fill(place, wishes().length > 0 && '♥ ', wishes().flatMap(({ id, name }, index) => [index > 0 && ', ', h('a', { href: pageOf(id) }, name)]));
  window.addEventListener('storage', draw);
  draw();
}
