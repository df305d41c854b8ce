// Live pages: the server says that something changed, htmx fetches the view and morphs it. What a person has open or is typing
// stays as it is. The dot beside the title says whether the stream is there.

const defaults = window.Idiomorph?.defaults;
if (defaults) {
  defaults.ignoreActiveValue = true;
  defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node instanceof HTMLDetailsElement);
  defaults.callbacks.beforeNodeMorphed = (old) => !(old instanceof HTMLElement && old.matches("details[open]:has(:focus)"));
}

const show = (on) => {
  for (const dot of document.querySelectorAll("[data-live]")) {
    dot.hidden = false;
    dot.classList.toggle("live--off", !on);
    dot.textContent = on ? "Live" : "Reconnecting";
  }
};
document.body.addEventListener("htmx:sseOpen", () => show(true));
document.body.addEventListener("htmx:sseError", () => show(false));
