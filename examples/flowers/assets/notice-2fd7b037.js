// Small notices at the foot of the window: a new version is ready, the shop works offline, the line is down.
// The first two come from `window.revisit`, when there is such a thing; without it the shop works the same.

const { h } = window.posy;

let place;

function show(name, ...children) {
  place ??= document.body.appendChild(h('div', { class: 'notices', role: 'status', 'aria-live': 'polite' }));
  hide(name);
  const note = h('div', { class: `notice ${name}` }, ...children);
  place.append(note);
  return note;
}

function hide(name) {
  place?.querySelector(`.${name}`)?.remove();
}

function follow(revisit) {
  revisit.addEventListener('updateready', () => {
    const later = () => hide('update');
    show('update',
      h('span', {}, 'A new version of the shop is ready'),
      h('button', { type: 'button', onclick: () => { later(); revisit.update(); } }, 'Update'),
      h('button', { type: 'button', class: 'quiet', onclick: later }, 'Later'));
  });
  revisit.addEventListener('installed', () => {
    const note = show('ready', h('span', {}, '✓ Available offline'));
    setTimeout(() => note.remove(), 6000);
  });
  // The shop goes on from the network, so a failed installation is no matter for the visitor.
  revisit.addEventListener('failed', () => hide('ready'));
}

export function notices() {
  if (window.revisit) follow(window.revisit);
  else window.addEventListener('revisit', () => { if (window.revisit) follow(window.revisit); }, { once: true });

  const line = () => {
    if (navigator.onLine) hide('offline');
    else show('offline', h('span', {}, 'You are offline. The basket still works.'));
  };
  window.addEventListener('online', line);
  window.addEventListener('offline', line);
  if (!navigator.onLine) line();
}
