// Brings what is in `main` up to date every few seconds. Elements stay, and only what differs changes, so that focus,
// scrolling and selections are not lost. Without this script a reload does the same.
const EVERY_MS = 5_000;
/** An answer that takes longer is not waited for. */
const PATIENCE_MS = 20_000;

const main = document.getElementById("main");
const state = document.getElementById("state");
const pause = document.getElementById("pause");
let isPaused = false;
let updated = new Date();

async function refresh() {
  if (isPaused || document.hidden) return;
  try {
    const response = await fetch(location.href, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(
      await response.text(),
      "text/html",
    );
    if (isPaused) return;
    bringTo(main, page.getElementById("main"));
    updated = new Date();
    say("");
  } catch {
    say(`No answer since ${updated.toLocaleTimeString()}`);
  }
}

/** Said once: it is read aloud. */
function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

/** Makes an element like another one. */
function bringTo(old, fresh) {
  // Somebody is choosing.
  if (old instanceof HTMLSelectElement && old === document.activeElement) {
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const next = [...fresh.childNodes];
  const keys = new Set(next.map(keyOf));
  for (const [at, child] of next.entries()) {
    while (isGone(old.childNodes[at], keys)) old.childNodes[at].remove();
    const own = old.childNodes[at];
    if (own === undefined) old.append(child);
    else if (keyOf(own) !== keyOf(child)) own.before(child);
    else if (own.nodeName !== child.nodeName) own.replaceWith(child);
    else if (child instanceof Element) bringTo(own, child);
    else if (own.nodeValue !== child.nodeValue) own.nodeValue = child.nodeValue;
  }
  while (old.childNodes.length > next.length) old.lastChild.remove();
}

/** Rows have keys, so that one row never becomes another under the finger. */
function keyOf(node) {
  return node?.dataset?.key;
}

function isGone(node, keys) {
  return keyOf(node) !== undefined && !keys.has(keyOf(node));
}

pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.textContent = isPaused ? "Continue" : "Pause";
  void refresh();
});
document.addEventListener("visibilitychange", () => void refresh());

/** One after the other: a slow answer delays the next question. */
async function keepFresh() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    await refresh();
  }
}
await keepFresh();
