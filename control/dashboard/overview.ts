import { html } from "hono/html";
import { harmless } from "../../schemas/harmless.ts";
import type { StatRow } from "../../schemas/stats.ts";
import { type Owner, ownerKey } from "../stats/query/owner.ts";
import type { Past } from "../stats/query/past.ts";
import { type Asked, canBeAsked, formatAsked } from "./asked.ts";
import {
  formatMs,
  formatRate,
  formatShare,
  levelOf,
  NOTHING,
} from "./figures.ts";
import { STEP_MS } from "./hour.ts";
import {
  type Html,
  renderChoices,
  renderName,
  renderNumber,
  renderTable,
} from "./layout.ts";
import { renderSparkline } from "./sparkline.ts";

/** Rows of a page: with their sparklines, below 200 kB. */
const PAGE_ROWS = 80;

const HEADINGS = [
  ["Workload", false],
  ["Meshed", true],
  ["Success", true],
  ["Requests/s", true],
  ["P50", true],
  ["P95", true],
  ["P99", true],
  ["Mutual TLS", true],
  ["Last hour", false],
] as const;

/** All workloads, by namespace. */
export function renderOverview(
  rows: readonly StatRow[],
  hour: ReadonlyMap<string, Past>,
  asked: Asked,
): Html {
  const { namespace, windowMs, page } = asked;
  const namespaces = [...new Set(rows.map((row) => row.namespace))];
  const found = namespace === null
    ? rows
    : rows.filter((row) => row.namespace === namespace);
  const start = (page - 1) * PAGE_ROWS;
  const shown = found.slice(start, start + PAGE_ROWS);
  const groups = [...new Set(shown.map((row) => row.namespace))];
  return html`<h1>Overview</h1>
${renderChoices("overview", asked, namespaces)}
${renderSummary(found, windowMs)}
${
    shown.length === 0 ? html`<p>No workloads here.</p>` : renderTable(
      "Workloads",
      HEADINGS,
      groups.map((name) =>
        html`
          <tbody
            data-key="${harmless(
              name,
            )}"><tr><th scope="rowgroup" colspan="${HEADINGS
              .length}" class="group">${renderName(name)}</th></tr>${shown
              .filter((row) => row.namespace === name)
              .map((row) =>
                renderRow(row, hour.get(ownerKey(row)), windowMs)
              )}</tbody>
        `
      ),
    )
  }
${renderPages(found.length, asked)}`;
}

function renderSummary(rows: readonly StatRow[], windowMs: number): Html {
  const sum = { success: 0, failure: 0, secured: 0 };
  const pods = { meshed: 0, running: 0 };
  for (const { golden, pods: own } of rows) {
    sum.success += golden?.success ?? 0;
    sum.failure += golden?.failure ?? 0;
    sum.secured += golden?.secured ?? 0;
    pods.meshed += own?.meshed ?? 0;
    pods.running += own?.running ?? 0;
  }
  const all = sum.success + sum.failure;
  const item = (name: string, text: string, level = "") =>
    html`
      <div class="${level}">
        <dt>${name}</dt>
        <dd>${text}</dd>
      </div>
    `;
  return html`<dl class="summary">
${item("Pods in the mesh", `${pods.meshed} of ${pods.running}`)}
${item("Requests/s", formatRate(all, windowMs))}
${item("Success", formatShare(sum.success, all), levelOf(sum))}
${item("Mutual TLS", formatShare(sum.secured, all))}
</dl>`;
}

function renderRow(
  row: StatRow,
  past: Past | undefined,
  windowMs: number,
): Html {
  const { kind, golden, pods } = row;
  const all = golden === null ? 0 : golden.success + golden.failure;
  const latency = golden?.latencyMs ?? null;
  return html`
    <tr
      data-key="${rowKey(row)}"><th scope="row">${renderLink(
        row,
        windowMs,
      )} <span class="quiet">${kind}</span></th>${renderNumber(
        pods === null ? NOTHING : `${pods.meshed}/${pods.running}`,
      )}${renderNumber(
        formatShare(golden?.success ?? 0, all),
        golden === null ? "none" : levelOf(golden),
      )}${renderNumber(
        golden === null ? NOTHING : formatRate(all, windowMs),
      )}${renderNumber(formatMs(latency, "p50"))}${renderNumber(
        formatMs(latency, "p95"),
      )}${renderNumber(formatMs(latency, "p99"))}${renderNumber(
        formatShare(golden?.secured ?? 0, all),
      )}<td>${renderSparkline(past, STEP_MS)}</td></tr>
  `;
}

/** What tells rows apart, so that a page that comes up to date keeps them. */
export function rowKey(...owners: readonly Owner[]): string {
  return owners.map(({ kind, namespace, name }) =>
    [kind, namespace, name].map(harmless).join("/")
  ).join(" ");
}

/** A workload's name, which leads to its page. */
export function renderLink(
  { kind, namespace, name }: Owner,
  windowMs: number,
): Html {
  if (![name, namespace].every(canBeAsked)) {
    return renderName(name);
  }
  return html`<a href="${
    workloadAddress({ kind, namespace, name }, windowMs)
  }">${renderName(name)}</a>`;
}

/** Where a workload's page is. */
export function workloadAddress(
  { kind, namespace, name }: Owner,
  windowMs: number,
): string {
  const query = new URLSearchParams({ kind, namespace, name });
  const window = formatAsked("", { windowMs, namespace: null, page: 1 });
  return `workload?${query}${window.replace("?", "&")}`;
}

function renderPages(count: number, asked: Asked): Html {
  const last = Math.ceil(count / PAGE_ROWS);
  if (last <= 1) return html``;
  const to = (page: number, text: string) =>
    page < 1 || page > last
      ? ""
      : html`<a href="${
        formatAsked("overview", { ...asked, page })
      }">${text}</a>`;
  return html`
    <nav class="pages"
      aria-label="Pages">${to(asked.page - 1, "Previous")} <span>Page ${asked
        .page} of ${last}</span> ${to(asked.page + 1, "Next")}</nav>
  `;
}
