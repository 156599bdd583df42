// A product page's entry: draws the product that `<main data-product>` names.

import { picture, product } from './api-56286ec0.js';
import { cart } from './cart-22626a6e.js';
import { list, money } from './format-8e0d5fee.js';
import { heart } from './wish-8c3933fc.js';

const { h, fill, one } = window.posy;

const main = one('main[data-product]');
const place = one('#product');

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

function draw(item) {
  const said = h('p', { class: 'said', role: 'status' });
  const amount = h('input', { id: 'amount', name: 'amount', type: 'number', min: 1, max: 99, value: 1, inputmode: 'numeric', required: true });
  const form = h('form', { class: 'buy' },
    h('label', { for: 'amount' }, 'Bunches'), amount,
    h('button', { type: 'submit', class: 'main' }, 'Add to basket'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    cart.add(item, amount.valueAsNumber);
    said.textContent = `${item.name}: in the basket.`;
  });

  const compose = h('button', { type: 'button', class: 'quiet' }, 'Compose a bouquet');
  compose.addEventListener('click', async () => {
    try {
      const { bouquet } = await import('./bouquet-7001e92c.js');
      bouquet(item);
    } catch {
      said.textContent = 'The bouquet table is not on this device yet. It opens when you are online.';
    }
  });

  fill(place,
    h('div', { class: 'frame' }, picture(item)),
    h('div', { class: 'words' },
      h('p', { class: 'latin' }, item.latin),
      one('h1', main),
      h('p', { class: 'price large' }, money(item.price), h('small', {}, ` for ${item.stems} stems`)),
      h('p', { class: 'lead' }, item.text),
      h('p', {}, item.description),
      form, compose, heart(item), said,
      h('dl', { class: 'facts' },
        fact('In season', list(item.season)),
        fact('Height', `${item.height} cm`),
        fact('In the vase', `${item.days} days`),
        fact('Scent', item.scent)),
      h('h2', {}, 'Care'),
      h('ul', { class: 'care' }, item.care.map((tip) => h('li', {}, tip)))));
}

try {
  draw(await product(main.dataset.product));
} catch {
  fill(place, h('div', { class: 'words missing' },
    one('h1', main),
    h('p', { class: 'lead' }, 'This flower is not on this device yet.'),
    h('p', {}, 'Pages that you have opened before still work without a network, and so does the basket.'),
    h('p', {}, h('a', { class: 'main', href: '' }, 'Try again'), ' ', h('a', { href: '/' }, 'All flowers'))));
}
