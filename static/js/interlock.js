// Small helps on top of pages that work without them: theme, drawer, unsaved changes, filters, menus.
(function () {
  "use strict";
  const root = document.documentElement;

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-do]");
    if (!target) return;
    const what = target.dataset.do;
    if (what === "theme") {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      const dark = (root.dataset.theme || system) === "dark";
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    } else if (what === "menu") {
      const open = root.classList.toggle("side-open");
      target.setAttribute("aria-expanded", open);
      if (open) document.querySelector(".side a").focus();
    } else if (what === "collapse") {
      localStorage.setItem("side", root.classList.toggle("side-collapsed") ? "collapsed" : "");
    } else if (what === "close-drawer") {
      const drawer = document.getElementById("drawer");
      if (!drawer) return;
      drawer.innerHTML = "";
      if (drawer.opener) drawer.opener.focus();
      event.preventDefault();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      root.classList.remove("side-open");
      const drawer = document.getElementById("drawer");
      if (drawer) drawer.innerHTML = "";
    }
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
      const search = document.querySelector(".searchbox input");
      if (!search) return;
      search.focus();
      event.preventDefault();
    }
  });

  // Selects that act at once still have a button for those without scripts.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    toggleParts(event.target.form);
  });

  // Parts of a form that belong to one choice: <div data-when="field=value">.
  function toggleParts(form) {
    if (!form) return;
    form.querySelectorAll("[data-when]").forEach((part) => {
      const [name, values] = part.dataset.when.split("=");
      const chosen = form.querySelector(`[name="${name}"]:checked`) || form.querySelector(`select[name="${name}"]`);
      part.hidden = !chosen || !values.split("|").includes(chosen.value);
    });
  }

  // Filter a list of check boxes while typing.
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-filter]")) return;
    const words = event.target.value.toLowerCase();
    document.getElementById(event.target.dataset.filter).querySelectorAll(".choice").forEach((row) => {
      row.hidden = !row.textContent.toLowerCase().includes(words);
    });
  });

  // Warn before leaving a form with changes that were not saved.
  document.querySelectorAll("form[data-guard]").forEach((form) => {
    let dirty = false;
    form.addEventListener("input", () => { dirty = true; });
    form.addEventListener("change", () => { dirty = true; });
    form.addEventListener("submit", () => { dirty = false; });
    document.body.addEventListener("htmx:afterRequest", (event) => {
      const answer = event.detail;
      if (answer.elt === form && answer.successful && answer.xhr.getResponseHeader("X-Saved")) dirty = false;
    });
    window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
    toggleParts(form);
  });
  document.querySelectorAll("form").forEach(toggleParts);

  // A second click while the first is on its way would ask twice.
  document.addEventListener("submit", (event) => {
    const pressed = event.submitter;
    if (pressed && !event.defaultPrevented) setTimeout(() => { pressed.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form button:disabled:not([data-off])").forEach((b) => { b.disabled = false; });
  });

  // Exact times in the reader's own zone.
  function localTimes(part) {
    part.querySelectorAll("time[datetime]").forEach((time) => {
      time.title = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    });
    // A schedule's own wall clock stands there already; the reader's own is added where it differs.
    part.querySelectorAll("[data-yours]").forEach((place) => {
      const at = new Date(place.dataset.yours);
      const form = { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      const here = at.toLocaleString("en-GB", form);
      const there = at.toLocaleString("en-GB", { ...form, timeZone: place.dataset.zone });
      place.textContent = here === there ? "" : `${here} for you`;
    });
  }
  localTimes(document);
  document.body.addEventListener("htmx:afterSettle", (event) => localTimes(event.target));

  // After Submit, what the wizard would still keep by itself is left unsent.
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "wizard-form" || event.defaultPrevented) return;
    event.target.dataset.left = "1";
    htmx.trigger(event.target, "htmx:abort");
  });
  window.addEventListener("pageshow", () => {
    const form = document.getElementById("wizard-form");
    if (form) delete form.dataset.left;
  });

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const asking = event.detail.elt, target = event.detail.target;
    if (asking.dataset && asking.dataset.left) { event.preventDefault(); return; }
    if (target && target.id === "drawer") target.opener = asking;
    // A board that is being read is not moved under the reader's eyes.
    const reading = document.querySelector("[data-live]:focus-within input");
    if (asking.dataset && asking.dataset.live && reading) event.preventDefault();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "drawer") return;
    const close = event.detail.target.querySelector(".close");
    if (close) close.focus();
  });
})();
