// Fills the table of live requests while somebody looks at it, and lets go of the stream when nobody does. What comes is set as
// text, never as markup.
const LINE = /\r?\n/;
/** Between the end of a stream and asking again. */
const PAUSE_MS = 2_000;
/** So often is said aloud what has come; the rows themselves are not. */
const TELL_EVERY_MS = 5_000;
/** Of an error's words. */
const MAX_CHARS = 500;

const table = document.getElementById("requests");
const summary = document.getElementById("summary");
const trouble = document.getElementById("trouble");
const state = document.getElementById("state");
const pause = document.getElementById("pause");

async function keepWatching() {
  const most = Number(table.dataset.most);
  const classes = [...table.parentElement.tHead.rows[0].cells]
    .map(({ className }) => className);
  const seen = { requests: 0, failed: new WeakSet(), failures: 0 };
  let isPaused = false;
  /** Left, perhaps to come back to as it is. */
  let isLeft = false;
  let stream = new AbortController();
  let wake = () => {};

  const change = () => {
    stream.abort();
    wake();
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Continue" : "Pause";
    change();
  });
  document.addEventListener("visibilitychange", change);
  addEventListener("pagehide", () => {
    isLeft = true;
    change();
  });
  addEventListener("pageshow", () => {
    isLeft = false;
    wake();
  });
  setInterval(() => {
    if (seen.requests === 0) return;
    say(summary, `${seen.requests} seen, ${seen.failures} failed`);
  }, TELL_EVERY_MS);

  for (;;) {
    if (isPaused || isLeft || document.hidden) {
      say(state, isPaused ? "Paused" : "");
      await new Promise((resolve) => wake = resolve);
      continue;
    }
    stream = new AbortController();
    try {
      await follow(stream.signal);
      // It has ended by itself, as with the API server that it came through.
    } catch (error) {
      if (!stream.signal.aborted) {
        say(state, "");
        // Browsers have words of their own for a connection that fails.
        const isLost = error instanceof TypeError;
        say(trouble, isLost ? "No answer: trying again" : error.message);
        // What was refused once is so again, until somebody wants to try.
        if (error instanceof Refusal) {
          isPaused = true;
          pause.textContent = "Try again";
        }
      }
    }
    if (!stream.signal.aborted && !isPaused) {
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, PAUSE_MS);
      });
    }
  }

  async function follow(signal) {
    const response = await fetch(`tap-events${location.search}`, { signal });
    if (!response.ok) throw await refusalOf(response);
    say(state, "Live");
    say(trouble, "");
    /** By number, which begins anew with each stream; rows of the one before stay as they are. */
    const rows = new Map();
    let last = 0;
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(
        LINE,
      );
      rest = lines.pop();
      for (const line of lines) if (line !== "") show(JSON.parse(line));
    }

    function show({ error, row: number, atMs, cells, failed }) {
      if (error !== undefined) throw new Error(shown(error));
      let row = rows.get(number);
      if (row === undefined) {
        if (number <= last) return; // It had to go already.
        last = number;
        row = begin(atMs);
        rows.set(number, row);
        for (const old of rows.keys()) if (rows.size > most) rows.delete(old);
      }
      fill(row, cells);
      if (!failed || seen.failed.has(row)) return;
      seen.failed.add(row);
      seen.failures++;
    }
  }

  /** A row on top; the oldest goes. */
  function begin(atMs) {
    const row = table.insertRow(0);
    const time = document.createElement("th");
    time.scope = "row";
    time.textContent = new Date(atMs).toLocaleTimeString(undefined, {
      hourCycle: "h23",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
    });
    row.append(time);
    seen.requests++;
    while (table.rows.length > most) table.lastElementChild.remove();
    return row;
  }

  function fill(row, cells) {
    for (const [at, { text, about = "", level = "" }] of cells.entries()) {
      const cell = row.cells[at + 1] ?? row.insertCell();
      say(part(cell, 0, ""), text);
      if (about !== "") say(part(cell, 1, "quiet"), about);
      cell.className = `${classes[at + 1]} ${level}`.trim();
    }
  }
}

/** A part of a cell, which changes the direction of nothing around it. */
function part(cell, at, className) {
  if (cell.children[at] === undefined) {
    if (at > 0) cell.append(" ");
    const text = document.createElement("bdi");
    text.className = className;
    cell.append(text);
  }
  return cell.children[at];
}

/** Only what differs: some of it is read aloud. */
function say(element, text) {
  if (element.textContent === text) return;
  element.textContent = text;
  if (element.localName === "bdi") element.title = text;
}

class Refusal extends Error {}

/** Why there is no stream: a `Status` of Kubernetes, or words. What is too busy may not be so later. */
async function refusalOf(response) {
  const text = await response.text();
  let { message, details } = { message: text.trim().replace("\n", ": ") };
  try {
    ({ message, details } = JSON.parse(text));
  } catch {
    // Words, then.
  }
  const hint = details?.causes?.[0]?.message ?? "";
  const words = shown(hint === "" ? message : `${message}: ${hint}`);
  const isFinal = response.status < 500 && response.status !== 429;
  return isFinal ? new Refusal(words) : new Error(words);
}

/** As schemas/harmless.ts: nothing that cannot be seen. */
function shown(text) {
  return String(text).slice(0, MAX_CHARS)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}

/** Nothing to do before somebody chooses. */
if (table !== null) await keepWatching();
