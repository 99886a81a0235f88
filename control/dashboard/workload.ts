import { html } from "hono/html";
import type { InboundRow, OutboundRow, StatRow } from "../../schemas/stats.ts";
import type { Link } from "../stats/query/links.ts";
import type { Past } from "../stats/query/past.ts";
import {
  formatMs,
  formatRate,
  formatShare,
  levelOf,
  NOTHING,
} from "./figures.ts";
import { STEP_MS } from "./hour.ts";
import {
  fitRows,
  type Html,
  renderName,
  renderNumber,
  renderTable,
} from "./layout.ts";
import { renderSparkline } from "./sparkline.ts";
import { canBeTapped, tapAddress } from "./tap-asked.ts";
import { LINK_HEADINGS, renderLinkRow } from "./topology.ts";

/** What the page of a workload shows. */
export interface WorkloadView {
  readonly stat: StatRow;
  readonly past: Past | undefined;
  readonly inbound: readonly InboundRow[];
  readonly outbound: readonly OutboundRow[];
  readonly callers: readonly Link[];
  readonly callees: readonly Link[];
  readonly windowMs: number;
}

/** Rows of each table, and what they weigh: four of them shall not make a page heavy. */
const MAX_ROWS = 100;
const TABLE_MAX_BYTES = 40_000;

/** One workload: what it is asked, by Server and route, and what it asks, by Service, route and backend. */
export function renderWorkload(view: WorkloadView): Html {
  const { stat: { kind, namespace, name }, windowMs } = view;
  const links = {
    headings: LINK_HEADINGS,
    row: (link: Link) => renderLinkRow(link, windowMs),
  };
  return html`<h1>${renderName(name)} <span class="quiet">${kind} in ${
    renderName(namespace)
  }</span></h1>
${
    canBeTapped(view.stat)
      ? html`<p><a href="${
        tapAddress(view.stat)
      }">Watch its requests live</a></p>`
      : ""
  }
${renderFigures(view)}
${
    renderSection(view.inbound, {
      title: "Inbound",
      caption: "What it is asked, by Server, route and what permits it",
      nothing: "Nobody has asked it anything.",
      headings: INBOUND_HEADINGS,
      row: (row) => renderInbound(row, windowMs),
    })
  }
${
    renderSection(view.outbound, {
      title: "Outbound",
      caption: "What it asks, by Service, route and backend",
      nothing: "It has asked no Service.",
      headings: OUTBOUND_HEADINGS,
      row: (row) => renderOutbound(row, windowMs),
    })
  }
${
    renderSection(view.callers, {
      title: "Callers",
      caption: "Who calls it",
      nothing: "No meshed workload calls it.",
      ...links,
    })
  }
${
    renderSection(view.callees, {
      title: "Calls",
      caption: "What it calls",
      nothing: "It calls no workload.",
      ...links,
    })
  }`;
}

interface Section<Row> {
  readonly title: string;
  readonly caption: string;
  readonly nothing: string;
  readonly headings: Parameters<typeof renderTable>[1];
  readonly row: (row: Row) => Html;
}

function renderSection<Row>(
  rows: readonly Row[],
  { title, caption, nothing, headings, row }: Section<Row>,
): Html {
  const shown = fitRows(rows.slice(0, MAX_ROWS).map(row), TABLE_MAX_BYTES);
  return html`<section><h2>${title}</h2>
${
    rows.length === 0
      ? html`<p>${nothing}</p>`
      : renderTable(caption, headings, html`<tbody>${shown}</tbody>`)
  }
${
    rows.length > shown.length
      ? html`<p>${shown.length} of ${rows.length} rows are shown.</p>`
      : ""
  }
</section>`;
}

function renderFigures(
  { stat: { golden, pods }, past, windowMs }: WorkloadView,
) {
  const sum = golden ?? { success: 0, failure: 0, secured: 0, latencyMs: null };
  const all = sum.success + sum.failure;
  const item = (name: string, text: Html | string, level = "") =>
    html`
      <div class="${level}">
        <dt>${name}</dt>
        <dd>${text}</dd>
      </div>
    `;
  return html`<dl class="summary">
${
    item(
      "Pods in the mesh",
      pods === null ? NOTHING : `${pods.meshed} of ${pods.running}`,
    )
  }
${item("Requests/s", all === 0 ? NOTHING : formatRate(all, windowMs))}
${item("Success", formatShare(sum.success, all), levelOf(sum))}
${item("P50", formatMs(sum.latencyMs, "p50"))}
${item("P95", formatMs(sum.latencyMs, "p95"))}
${item("P99", formatMs(sum.latencyMs, "p99"))}
${item("Mutual TLS", formatShare(sum.secured, all))}
${item("Last hour", renderSparkline(past, STEP_MS))}
</dl>`;
}

const COUNTS = [
  ["Success", true],
  ["Requests/s", true],
  ["P50", true],
  ["P95", true],
  ["P99", true],
] as const;

function renderCounts(
  row: Pick<OutboundRow, "success" | "failure" | "latencyMs">,
  windowMs: number,
): Html {
  const all = row.success + row.failure;
  return html`${renderNumber(formatShare(row.success, all), levelOf(row))}${
    renderNumber(formatRate(all, windowMs))
  }${renderNumber(formatMs(row.latencyMs, "p50"))}${
    renderNumber(formatMs(row.latencyMs, "p95"))
  }${renderNumber(formatMs(row.latencyMs, "p99"))}`;
}

const INBOUND_HEADINGS = [
  ["Server", false],
  ["Route", false],
  ["Permitted by", false],
  ...COUNTS,
  ["Denied/s", true],
] as const;

function renderInbound(row: InboundRow, windowMs: number): Html {
  return html`<tr><th scope="row">${
    renderNamed(row.server)
  } <span class="quiet">:${renderName(row.port)}</span></th><td>${
    renderNamed(row.route)
  }</td><td>${
    row.authorization === null ? NOTHING : renderNamed(row.authorization)
  }</td>${renderCounts({ ...row.golden }, windowMs)}${
    renderNumber(
      formatRate(row.denied, windowMs),
      row.denied > 0 ? "bad" : "none",
    )
  }</tr>`;
}

const OUTBOUND_HEADINGS = [
  ["Service", false],
  ["Route", false],
  ["Backend", false],
  ...COUNTS,
  ["Timeouts/s", true],
  ["Retries/s", true],
] as const;

function renderOutbound(row: OutboundRow, windowMs: number): Html {
  return html`<tr${
    row.backend === null ? "" : html`
      class="backend"
    `
  }><th scope="row">${renderPort(row.service)}</th><td>${
    renderNamed(row.route)
  }</td><td>${row.backend === null ? "all" : renderPort(row.backend)}</td>${
    renderCounts(row, windowMs)
  }${renderNumber(formatRate(row.timeouts, windowMs))}${
    renderNumber(
      row.backend === null ? formatRate(row.retries, windowMs) : NOTHING,
    )
  }</tr>`;
}

function renderNamed({ kind, name }: { kind: string; name: string }): Html {
  return html`${renderName(name || NOTHING)} <span class="quiet">${
    renderName(kind)
  }</span>`;
}

function renderPort(
  { kind, name, port }: { kind: string; name: string; port: string },
): Html {
  return html`${renderNamed({ kind, name: port ? `${name}:${port}` : name })}`;
}
