// Words and numbers as the shop writes them.

const euro = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });

/** 1450 → "€14.50" */
export const money = (cents) => euro.format(cents / 100);

/** ["May", "June"] → "May and June" */
export const list = (words) => new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(words);

export const count = (number, one, many) => window.posy.count(number, one, many);
