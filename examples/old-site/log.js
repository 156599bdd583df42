var cache = window.applicationCache;
var names = ['checking', 'noupdate', 'downloading', 'progress', 'updateready', 'cached', 'obsolete', 'error'];

function say() {
  document.getElementById('cache').textContent = 'Application cache: status ' + cache.status;
}
for (var i = 0; i < names.length; i++) cache.addEventListener(names[i], say, false);
say();

var request = new XMLHttpRequest();
request.open('GET', 'tide.json');
request.onload = function () {
  if (request.status == 200) document.getElementById('tide').textContent = JSON.parse(request.responseText).tide;
};
request.send();
