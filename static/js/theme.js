// Before the first paint: the reader's own choice of theme and sidebar.
(function () {
  "use strict";
  const root = document.documentElement;
  const theme = localStorage.getItem("theme");
  if (theme) root.dataset.theme = theme;
  if (localStorage.getItem("side") === "collapsed") root.classList.add("side-collapsed");
})();
