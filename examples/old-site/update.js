// As it stood in every guide of the time.
window.addEventListener('load', function () {
  window.applicationCache.addEventListener('updateready', function () {
    if (window.applicationCache.status == window.applicationCache.UPDATEREADY) {
      window.applicationCache.swapCache();
      if (confirm('A new version of this site is available. Load it?')) {
        window.location.reload();
      }
    }
  }, false);
}, false);
