// The basket as the visitor sees it: the count in the header, and the panel that opens from it.

import { cart } from './cart-22626a6e.js';
import { count, money } from './format-8e0d5fee.js';

const { h, fill, one } = window.posy;

export function basket() {
  const button = one('#basket-button');
  const panel = h('dialog', { class: 'basket', 'aria-labelledby': 'basket-title' });
  const body = h('div', { class: 'basket-lines' });
  const foot = h('div', { class: 'basket-foot' });
  panel.append(
    h('div', { class: 'basket-head' },
      h('h2', { id: 'basket-title' }, 'Your basket'),
      h('button', { type: 'button', class: 'quiet', onclick: () => panel.close() }, 'Close')),
    body, foot);
  panel.addEventListener('click', (event) => { if (event.target === panel) panel.close(); });
  document.body.append(panel);

  function draw() {
    const { lines, stems, total } = cart;
    fill(button, 'Basket ', h('span', { class: 'badge' }, String(stems)), h('span', { class: 'hidden' }, stems === 1 ? ' item' : ' items'));
    fill(body, lines.length ? h('ul', {}, lines.map(row)) : h('p', { class: 'muted' }, 'Nothing here yet. What you add stays in this browser, online or not.'));
    fill(foot, lines.length > 0 && [
      h('p', { class: 'total' }, h('span', {}, count(stems, 'item')), h('strong', {}, money(total))),
      h('p', { class: 'muted small' }, 'This is an example shop: nothing is sold and nothing leaves this browser.'),
      h('button', { type: 'button', class: 'quiet', onclick: () => cart.clear() }, 'Empty the basket'),
    ]);
  }

  function row(line) {
    const step = (by, word) => h('button', {
      type: 'button', class: 'step', 'aria-label': `${word} of ${line.name}`, 'data-step': `${line.id}${by}`,
      onclick: () => { cart.set(line.id, line.quantity + by); one(`[data-step="${line.id}${by}"]`, panel)?.focus(); },
    }, by > 0 ? '+' : '−');
    return h('li', {},
      h('img', { src: line.thumb, alt: '', width: 56, height: 70 }),
      h('span', { class: 'line-name' }, line.name, h('small', {}, money(line.price))),
      h('span', { class: 'steps' }, step(-1, 'One less'), h('output', {}, String(line.quantity)), step(1, 'One more')));
  }

  button.addEventListener('click', () => panel.showModal());
  cart.addEventListener('change', draw);
  draw();
}
