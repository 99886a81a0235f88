import { Buffer } from "node:buffer";
import { html } from "hono/html";
import { harmless } from "../../schemas/harmless.ts";
import {
  type Asked,
  canBeAsked,
  formatAsked,
  nameOfWindow,
  WINDOWS,
} from "./asked.ts";

/** Markup in which everything that came from outside is escaped. */
export type Html = ReturnType<typeof html>;

export interface Page {
  readonly title: string;
  /** Which of the views this is. */
  readonly path: string;
  readonly body: Html;
  /** Null where nothing can be chosen. */
  readonly asked: Asked | null;
  /** What keeps it up to date. */
  readonly script: "refresh.js" | "tap.js";
}

/** By address, which is relative: where they are mounted is not theirs to know, nor `linkerd viz dashboard`'s to rewrite. */
const VIEWS = [["overview", "Overview"], ["topology", "Topology"], [
  "tap",
  "Live requests",
]] as const;

/** A whole page. The script brings what is in `main` up to date; without it, a reload does. */
export function renderPage({ title, path, body, asked, script }: Page): Html {
  const kept = asked === null ? null : { ...asked, page: 1 };
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${harmless(title)} · Mesh dashboard</title>
        <link rel="icon" type="image/svg+xml" href="icon.svg">
        <link rel="stylesheet" href="style.css">
        <script type="module" src="${script}"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header>
          <a class="brand"
            href="overview"><img src="icon.svg" alt="" width="24" height="24">Mesh dashboard</a>
          <nav aria-label="Views">
            <ul>${VIEWS.map(([to, name]) =>
              html`<li><a href="${kept === null ? to : formatAsked(to, kept)}"${
                to === path
                  ? html`
                    aria-current="page"
                  `
                  : ""
              }>${name}</a></li>`
            )}</ul>
          </nav>
          <p
            class="live"><span id="state" role="status"></span> <button type="button" id="pause" hidden>Pause</button></p>
        </header>
        <main id="main" tabindex="-1">
    ${body}
        </main>
      </body>
    </html>
  `;
}

/** The choices above a view: a form, so that it works without a script. */
export function renderChoices(
  path: string,
  asked: Asked,
  namespaces: readonly string[],
): Html {
  // The one that was chosen can be gone by now.
  const all = asked.namespace === null
    ? namespaces
    : [...new Set([...namespaces, asked.namespace])].sort();
  const known = all.filter(canBeAsked)
    .slice(0, MAX_CHOICES);
  return html`
    <form class="choices" method="get" action="${path}">
      <label>Namespace <select name="namespace">${renderOptions(
        [["", "All"], ...known.map((name) => [name, harmless(name)] as const)],
        asked.namespace ?? "",
      )}</select></label>
      <label>Over the last <select name="window">${renderOptions(
        WINDOWS.map(([name]) => [name, name]),
        nameOfWindow(asked.windowMs),
      )}</select></label>
      <button type="submit">Show</button>
    </form>
  `;
}

/** What a choice offers, as values and texts. */
export function renderOptions(
  options: readonly (readonly [value: string, text: string])[],
  chosen: string,
): readonly Html[] {
  return options.map(([value, text]) =>
    html`
      <option value="${value}" ${value === chosen
        ? html`
          selected
        `
        : ""}>${text}</option>
    `
  );
}

/** Namespaces to choose from; more would weigh too much. */
const MAX_CHOICES = 200;

/** A table that scrolls sideways where it has no room, with the keyboard too. */
export function renderTable(
  caption: string,
  headings: readonly (readonly [text: string, isNumber: boolean])[],
  rows: Html | readonly Html[],
): Html {
  return html`
    <div class="scroll" role="region" aria-label="${caption}" tabindex="0">
      <table>
    <caption>${caption}</caption>
    <thead><tr>${headings.map(([text, isNumber]) =>
      html`
        <th scope="col" ${isNumber
          ? html`
            class="number"
          `
          : ""}>${text}</th>
      `
    )}</tr></thead>
    ${rows}
      </table>
    </div>
  `;
}

/** As many rows as there is room for: names can be long, and there may be many. */
export function fitRows(
  rows: readonly Html[],
  maxBytes: number,
): readonly Html[] {
  let bytes = 0;
  const end = rows.findIndex((row) =>
    (bytes += Buffer.byteLength(String(row))) > maxBytes
  );
  return end < 0 ? rows : rows.slice(0, end);
}

/** A name from outside, which changes the direction of nothing around it. */
export function renderName(name: string): Html {
  return html`<bdi>${harmless(name)}</bdi>`;
}

/** A cell with a number or a share in it. */
export function renderNumber(text: string, level?: string): Html {
  return html`<td class="number${
    level === undefined ? "" : ` ${level}`
  }">${text}</td>`;
}
