// The bouquet table, loaded when it is first opened: how many stems, which greens, which wrap.

import { cart } from './cart-22626a6e.js';
import { money } from './format-8e0d5fee.js';

const { h, fill } = window.posy;

const SIZES = [['Posy', 7], ['Bouquet', 15], ['Armful', 25]];
const GREENS = [['None', 0], ['Eucalyptus', 350], ['Fern and ivy', 290]];
const WRAPS = [['Brown paper', 0], ['Linen ribbon', 250], ['Glass jar', 600]];

let panel;

function choices(name, legend, options, note) {
  return h('fieldset', {}, h('legend', {}, legend), options.map(([label, value], index) => h('label', { class: 'choice' },
    h('input', { type: 'radio', name, value: index, checked: index === 0 }), h('span', {}, label, h('small', {}, note(value))))));
}

/** Opens the table for one product. */
export function bouquet(item) {
  panel?.remove();
  const extra = (cents) => (cents ? `+ ${money(cents)}` : 'included');
  const total = h('output', { class: 'price large' });
  const form = h('form', { method: 'dialog' },
    h('div', { class: 'basket-head' },
      h('h2', { id: 'bouquet-title' }, `A bouquet of ${item.name}`),
      h('button', { type: 'button', class: 'quiet', onclick: () => panel.close() }, 'Close')),
    choices('size', 'Size', SIZES, (stems) => `${stems} stems`),
    choices('greens', 'Greens', GREENS, extra),
    choices('wrap', 'Wrap', WRAPS, extra),
    h('div', { class: 'bouquet-foot' }, total, h('button', { type: 'submit', class: 'main' }, 'Add the bouquet')));
  panel = h('dialog', { class: 'bouquet', 'aria-labelledby': 'bouquet-title' }, form);

  const chosen = () => {
    const { size, greens, wrap } = Object.fromEntries(new FormData(form));
    const flowers = Math.round((item.price / item.stems) * SIZES[size][1] / 10) * 10;
    return {
      id: `${item.id}-${size}${greens}${wrap}`,
      name: `${SIZES[size][0]} of ${item.name}`,
      price: flowers + GREENS[greens][1] + WRAPS[wrap][1],
      thumb: item.thumb,
    };
  };
  const draw = () => fill(total, money(chosen().price));
  form.addEventListener('change', draw);
  form.addEventListener('submit', () => cart.add(chosen()));
  document.body.append(panel);
  draw();
  panel.showModal();
}
