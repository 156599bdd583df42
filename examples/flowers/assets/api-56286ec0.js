// What the shop asks of its server: the list, one product, a picture.

async function json(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

export const products = () => json('/api/products.json');
export const product = (id) => json(`/api/products/${id}.json`);

/**
 * The product's large picture. Some live on a second host; when that host cannot be reached,
 * the same path here is tried, once.
 */
export function picture({ productPic, alt }) {
  const wanted = new URL(productPic, location.href);
  const img = window.posy.h('img', { alt, width: 640, height: 800, class: 'picture' });
  if (wanted.origin !== location.origin) {
    img.addEventListener('error', () => { img.src = wanted.pathname; }, { once: true });
  }
  img.src = wanted.href;
  return img;
}
