// The home page's entry: thirty flowers, by colour, in the order that the visitor likes.

import { products } from './api-56286ec0.js';
import { cart } from './cart-22626a6e.js';
import { count, money } from './format-8e0d5fee.js';
import { wishLine } from './wish-8c3933fc.js';

const { h, fill, one } = window.posy;

const shelf = one('#shelf');
const summary = one('#summary');
const form = one('#choose');

const orders = {
  name: (a, b) => a.name.localeCompare(b.name),
  low: (a, b) => a.price - b.price || a.name.localeCompare(b.name),
  high: (a, b) => b.price - a.price || a.name.localeCompare(b.name),
};

function card(item, place) {
  const page = `/products/${item.id}.html`;
  const add = h('button', { type: 'button', class: 'add', 'aria-label': `Add ${item.name} to the basket` }, 'Add');
  add.addEventListener('click', () => {
    cart.add(item);
    add.textContent = 'Added';
    setTimeout(() => { add.textContent = 'Add'; }, 1200);
  });
  return h('li', { 'data-revisit-prefetch-urls': `/api/products/${item.id}.json`, class: 'card' },
    h('a', { href: page, class: 'card-picture', tabindex: '-1', 'aria-hidden': 'true' },
      h('img', { src: item.thumb, alt: '', width: 400, height: 500, loading: place < 8 ? 'eager' : 'lazy' })),
    h('h3', {}, h('a', { href: page }, item.name)),
    h('p', { class: 'muted' }, item.text),
    h('div', { class: 'card-foot' }, h('span', { class: 'price' }, money(item.price)), add));
}

function draw(items) {
  const { colour, order } = Object.fromEntries(new FormData(form));
  const chosen = items.filter((item) => !colour || item.colour === colour).sort(orders[order]);
  fill(shelf, chosen.map(card));
  summary.textContent = count(chosen.length, 'flower');
}

wishLine();

try {
  const items = await products();
  form.addEventListener('change', () => draw(items));
  form.addEventListener('submit', (event) => event.preventDefault());
  draw(items);
} catch {
  summary.textContent = '';
  fill(shelf, h('li', { class: 'empty' },
    h('p', {}, 'The list of flowers did not arrive. '),
    h('p', {}, h('a', { href: '/' }, 'Try again'))));
}
