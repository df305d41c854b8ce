// Keys: J and K move through the list, Enter opens the case, C claims or releases, a number goes to that suggestion.
// Elements say which key is theirs: data-key presses them, data-key-focus goes to them.

const rows = () => [...document.querySelectorAll("[data-row]")];

const move = (step) => {
  const found = rows();
  const at = found.findIndex((row) => row.hasAttribute("aria-current"));
  const next = found[Math.min(Math.max(at + step, 0), found.length - 1)];
  if (next && next !== found[at]) {
    next.click();
    next.scrollIntoView({ block: "nearest" });
  }
};

const typing = (target) => target.closest("input, textarea, select") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key.toLowerCase();
  if (key === "j") move(1);
  else if (key === "k") move(-1);
  else {
    const named = CSS.escape(key);
    const press = document.querySelector(`[data-key="${named}"]`);
    const focus = document.querySelector(`[data-key-focus="${named}"]`);
    if (key === "enter" && event.target.closest("a, button, summary")) return;
    if (focus instanceof HTMLDetailsElement) focus.open = true;
    if (press) press.click();
    else if (focus) (focus.querySelector("select, input:not([type=hidden]), textarea") ?? focus).focus();
    else return;
  }
  event.preventDefault();
});
