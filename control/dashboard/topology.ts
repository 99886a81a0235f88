import { html } from "hono/html";
import { harmless } from "../../schemas/harmless.ts";
import { isSecured, type Link } from "../stats/query/links.ts";
import type { Owner } from "../stats/query/owner.ts";
import { type Asked, canBeAsked } from "./asked.ts";
import { formatRate, formatShare, levelOf, NOTHING } from "./figures.ts";
import {
  type Graph,
  layOut,
  type Line,
  type Node,
  NODE_HEIGHT,
  NODE_WIDTH,
} from "./graph.ts";
import {
  type Html,
  renderChoices,
  renderName,
  renderNumber,
  renderTable,
} from "./layout.ts";
import { renderLink, rowKey, workloadAddress } from "./overview.ts";

/** Links of a page, the busiest ones: more is no picture, and too heavy. */
const MAX_LINKS = 120;
/** Characters of a name that fit in a box. */
const NODE_CHARS = 24;

/** Who talks to whom: as a picture, and as a table for who cannot use that. */
export function renderTopology(
  links: readonly Link[],
  asked: Asked,
): Html {
  const { namespace, windowMs } = asked;
  const namespaces = new Set(
    links.flatMap(({ source, target }) => [source.namespace, target.namespace]),
  );
  const found = namespace === null
    ? links
    : links.filter(({ source, target }) =>
      [source.namespace, target.namespace].includes(namespace)
    );
  const shown = new Set(
    found.toSorted((a, b) => requests(b) - requests(a)).slice(0, MAX_LINKS),
  );
  const drawn = found.filter((link) => shown.has(link));
  return html`<h1>Topology</h1>
${renderChoices("topology", asked, [...namespaces].sort())}
${
    drawn.length === 0 ? html`<p>Nobody has talked to anybody here.</p>` : html`
      ${renderGraph(layOut(drawn), windowMs)}
      <p
        class="legend"><span class="key secured">mutual TLS</span> <span class="key plain">without, at least in part</span></p>
      ${renderLinks("Who talks to whom", drawn, windowMs)}
    `
  }
${
    drawn.length < found.length
      ? html`<p>The ${drawn.length} busiest of ${found.length} are shown: choose a namespace to see others.</p>`
      : ""
  }`;
}

const HEADINGS = [
  ["From", false],
  ["To", false],
  ["Success", true],
  ["Requests/s", true],
  ["Connections", true],
  ["Mutual TLS", false],
] as const;

/** Links as a table. */
export function renderLinks(
  caption: string,
  links: readonly Link[],
  windowMs: number,
): Html {
  const end = (owner: Owner) =>
    html`${renderLink(owner, windowMs)} <span class="quiet">${
      renderName(owner.namespace)
    }</span>`;
  return renderTable(
    caption,
    HEADINGS,
    html`<tbody>${
      links.map((link) =>
        html`
          <tr
            data-key="${rowKey(
              link.source,
              link.target,
            )}"><th scope="row">${end(link.source)}</th><td>${end(
              link.target,
            )}</td>${renderNumber(
              formatShare(link.success, requests(link)),
              levelOf(link),
            )}${renderNumber(rateOf(link, windowMs))}${renderNumber(
              String(Math.round(link.connections)),
            )}<td>${renderSecured(link)}</td></tr>
        `
      )
    }</tbody>`,
  );
}

function renderSecured(link: Link): Html {
  if (isSecured(link)) return html`<span class="good">yes</span>`;
  const reasons = link.noTlsReasons.map((reason) =>
    harmless(reason).replaceAll("_", " ")
  );
  return html`<span class="bad">${
    reasons.length === 0
      ? `${formatShare(link.secured, requests(link))} of requests`
      : `no: ${reasons.join(", ")}`
  }</span>`;
}

/** Hidden from screen readers, which have the table; links in it are for pointers alone. */
function renderGraph(
  { nodes, lines, width, height }: Graph,
  windowMs: number,
): Html {
  return html`
    <div class="scroll graph" role="region"
      aria-label="Picture; the table below says the same" tabindex="0">
      <svg aria-hidden="true" width="${width}" height="${height}"
        viewBox="0 0 ${width} ${height}">
    ${lines.map(renderLine)}
    ${nodes.map((node) => renderNode(node, windowMs))}
    ${lines.map((line) => renderLabel(line, windowMs))}
      </svg>
    </div>
  `;
}

function renderLine({ link, from, to }: Line): Html {
  const middle = Math.round((from.x + to.x) / 2);
  // What is called from the right, or by itself, is reached around the corner.
  const [out, back] = to.x > from.x
    ? [middle, middle]
    : [from.x + 120, to.x - 120];
  return html`
    <path class="line ${levelOf(link)} ${isSecured(link) ? "secured" : "plain"}"
      d="M${from.x} ${from.y}C${out} ${from.y} ${back} ${to.y} ${to.x} ${to
        .y}" />
  `;
}

function renderNode({ owner, x, y }: Node, windowMs: number): Html {
  const name = harmless(owner.name);
  const about = harmless(`${owner.kind} in ${owner.namespace}`);
  const box = html`
    <g class="node">
      <title>${name}</title>
      <rect x="${x}" y="${y}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}"
        rx="8" />
      <text x="${x + 12}" y="${y + 21}">${cut(name)}</text>
      <text class="quiet" x="${x + 12}" y="${y + 38}">${cut(about)}</text>
    </g>
  `;
  const isKnown = [owner.name, owner.namespace].every(canBeAsked);
  return isKnown
    ? html`<a href="${
      workloadAddress(owner, windowMs)
    }" tabindex="-1">${box}</a>`
    : box;
}

function renderLabel({ link, label }: Line, windowMs: number): Html {
  return html`
    <text class="label ${levelOf(link)}" x="${label.x}"
      y="${label.y - 18}">${formatShare(
        link.success,
        requests(link),
      )}<tspan x="${label.x}" dy="12">${requests(link) === 0
        ? "TCP"
        : `${rateOf(link, windowMs)}/s`}</tspan></text>
  `;
}

function cut(text: string): string {
  return text.length > NODE_CHARS ? `${text.slice(0, NODE_CHARS - 1)}…` : text;
}

function requests({ success, failure }: Link): number {
  return success + failure;
}

function rateOf(link: Link, windowMs: number): string {
  return requests(link) === 0 ? NOTHING : formatRate(requests(link), windowMs);
}
