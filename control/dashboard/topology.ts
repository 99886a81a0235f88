import { html } from "hono/html";
import { harmless } from "../../schemas/harmless.ts";
import type { Golden, StatRow } from "../../schemas/stats.ts";
import { isSecured, type Link } from "../stats/query/links.ts";
import { type Owner, ownerKey } from "../stats/query/owner.ts";
import { type Asked, canBeAsked } from "./asked.ts";
import {
  formatMs,
  formatRate,
  formatShare,
  levelOf,
  NOTHING,
} from "./figures.ts";
import {
  type Graph,
  layOut,
  type Line,
  type Node,
  NODE_HEIGHT,
  NODE_WIDTH,
} from "./graph.ts";
import {
  fitRows,
  type Html,
  renderChoices,
  renderName,
  renderNumber,
  renderTable,
} from "./layout.ts";
import { renderLink, rowKey, workloadAddress } from "./overview.ts";

/** Links of a page, the busiest ones: more is no picture. */
const MAX_LINKS = 120;
/** And too heavy: rows of the table, which has all that the picture has. */
const TABLE_MAX_BYTES = 80_000;
/** Characters of a name that fit in a box, unless they are broad: then the box cuts them. */
const NODE_CHARS = 26;

/** Who talks to whom: as a picture, and as a table for who cannot use that. */
export function renderTopology(
  links: readonly Link[],
  workloads: readonly StatRow[],
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
  const busiest = found.toSorted((a, b) => requests(b) - requests(a))
    .slice(0, MAX_LINKS);
  const rows = busiest.map((link) => renderLinkRow(link, windowMs));
  const count = fitRows(rows, TABLE_MAX_BYTES).length;
  const shown = new Map(
    busiest.slice(0, count).map((link, at) => [link, rows[at]]),
  );
  const drawn = found.filter((link) => shown.has(link));
  const figures = new Map(workloads.map((row) => [ownerKey(row), row.golden]));
  return html`<h1>Topology</h1>
${renderChoices("topology", asked, [...namespaces].sort())}
${
    drawn.length === 0 ? html`<p>Nobody has talked to anybody here.</p>` : html`
      ${renderGraph(layOut(drawn), figures, windowMs)}
      <p
        class="legend"><span class="key secured">mutual TLS</span> <span class="key plain">without, at least in part</span></p>
      ${renderTable(
        "Who talks to whom",
        LINK_HEADINGS,
        html`<tbody>${drawn.map((link) => shown.get(link))}</tbody>`,
      )}
    `
  }
${
    drawn.length < found.length
      ? html`<p>The ${drawn.length} busiest of ${found.length} are shown: choose a namespace to see others.</p>`
      : ""
  }`;
}

export const LINK_HEADINGS = [
  ["From", false],
  ["To", false],
  ["Success", true],
  ["Requests/s", true],
  ["P50", true],
  ["P95", true],
  ["P99", true],
  ["Connections", true],
  ["Mutual TLS", false],
] as const;

/** A link as a row of a table. */
export function renderLinkRow(link: Link, windowMs: number): Html {
  const end = (owner: Owner) =>
    html`${renderLink(owner, windowMs)} <span class="quiet">${
      renderName(owner.namespace)
    }</span>`;
  return html`
    <tr
      data-key="${rowKey(link.source, link.target)}"><th scope="row">${end(
        link.source,
      )}</th><td>${end(link.target)}</td>${renderNumber(
        formatShare(link.success, requests(link)),
        levelOf(link),
      )}${renderNumber(rateOf(link, windowMs))}${QUANTILES.map((quantile) =>
        renderNumber(formatMs(link.latencyMs, quantile))
      )}${renderNumber(
        String(Math.round(link.connections)),
      )}<td>${renderSecured(link)}</td></tr>
  `;
}

const QUANTILES = ["p50", "p95", "p99"] as const;

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

type Figures = ReadonlyMap<string, Golden | null>;

/** Hidden from screen readers, which have the table; links in it are for pointers alone. */
function renderGraph(
  { nodes, lines, width, height }: Graph,
  figures: Figures,
  windowMs: number,
): Html {
  return html`
    <div class="scroll graph" role="region"
      aria-label="Picture; the table below and the overview say the same"
      tabindex="0">
      <svg aria-hidden="true" width="${width}" height="${height}"
        viewBox="0 0 ${width} ${height}">
    ${lines.map(renderLine)}
    ${nodes.map((node) =>
      renderNode(node, figures.get(ownerKey(node.owner)) ?? null, windowMs)
    )}
    ${lines.map((line) => renderLabel(line, windowMs))}
      </svg>
    </div>
  `;
}

function renderLine({ link, from, to }: Line): Html {
  const middle = Math.round((from.x + to.x) / 2);
  const [width, depth] = [from.x - to.x, NODE_HEIGHT];
  // What is called from the right is reached around the corner; by itself, below.
  const curve = from.y === to.y && width === NODE_WIDTH
    ? `c40 ${depth} ${-width - 40} ${depth} ${-width} 0`
    : width < 0
    ? `C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`
    : `C${from.x + 120} ${from.y} ${to.x - 120} ${to.y} ${to.x} ${to.y}`;
  return html`
    <path class="line ${levelOf(link)} ${isSecured(link) ? "secured" : "plain"}"
      d="M${from.x} ${from.y}${curve}" />
  `;
}

function renderNode(
  { owner, x, y }: Node,
  golden: Golden | null,
  windowMs: number,
): Html {
  const name = harmless(owner.name);
  const about = harmless(`${owner.kind} in ${owner.namespace}`);
  const box = html`
    <g class="node">
      <title>${name}${golden === null
        ? ""
        : `: ${sayFigures(golden, windowMs)}`}</title>
      <rect x="${x}" y="${y}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}"
        rx="8" />
      <svg x="${x}" y="${y}" width="${NODE_WIDTH - 6}" height="${NODE_HEIGHT}">
        <text x="12" y="21">${cut(name)}</text>
        <text class="quiet" x="12" y="38">${cut(about)}</text>
        ${golden === null ? "" : html`
          <text class="figures ${levelOf(golden)}" x="12"
            y="56">${showFigures(golden, windowMs)}</text>
        `}
      </svg>
    </g>
  `;
  const isKnown = [owner.name, owner.namespace].every(canBeAsked);
  return isKnown
    ? html`<a href="${
      workloadAddress(owner, windowMs)
    }" tabindex="-1">${box}</a>`
    : box;
}

/** What a workload was asked, in the room of a box. */
function showFigures(golden: Golden, windowMs: number): string {
  const { success, failure, latencyMs } = golden;
  return [
    formatShare(success, success + failure),
    `${formatRate(success + failure, windowMs)}/s`,
    `P99 ${formatMs(latencyMs, "p99")}`,
  ].join(" · ");
}

function sayFigures(golden: Golden, windowMs: number): string {
  const { success, failure, secured, latencyMs } = golden;
  const all = success + failure;
  return [
    `${formatShare(success, all)} of ${
      formatRate(all, windowMs)
    } requests/s succeed`,
    ...QUANTILES.map((quantile) =>
      `${quantile.toUpperCase()} ${formatMs(latencyMs, quantile)}`
    ),
    `${formatShare(secured, all)} over mutual TLS`,
  ].join(", ");
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
