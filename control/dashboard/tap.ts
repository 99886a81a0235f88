import { html } from "hono/html";
import { type Owner, ownerOfPod } from "../stats/query/owner.ts";
import type { WorkloadPod } from "../stats/query/workloads.ts";
import { type Asked } from "./asked.ts";
import { type Html, renderName, renderOptions, renderTable } from "./layout.ts";
import {
  canBeTapped,
  formatTarget,
  MAX_RPS,
  MAX_TEXT,
  METHODS,
  type TapAsked,
  USUAL_RPS,
} from "./tap-asked.ts";
import { MAX_TAP_ROWS, TAP_HEADINGS } from "./tap-rows.ts";

/** Workloads to choose from; with long names, more would weigh too much. */
const MAX_CHOICES = 150;

/** Live requests of a workload: what to see is chosen with a form, and the script (assets/tap.js) fills the table. */
export function renderTap(
  pods: Iterable<WorkloadPod>,
  asked: Asked,
  query: URLSearchParams,
  tapped: TapAsked | null,
): Html {
  return html`<h1>Live requests</h1>
${renderForm(meshedOwners(pods), asked, query)}
${
    tapped === null
      ? html`<p>Choose a workload to see its requests.</p>`
      : html`
        <p>Requests of <strong>${renderName(
          tapped.target.name ?? "",
        )}</strong> <span
            class="quiet">${tapped.target.kind} in ${renderName(
              tapped.target.namespace,
            )}</span>, the latest ${MAX_TAP_ROWS} of them: <span id="summary"
            role="status">none yet</span>.</p>
        <noscript><p>They come with a script, which is switched off here.</p></noscript>
        <p id="trouble" class="bad" role="alert"></p>
        ${renderTable(
          "Live requests",
          TAP_HEADINGS,
          html`<tbody id="requests" data-most="${MAX_TAP_ROWS}"></tbody>`,
        )}
      `
  }`;
}

/** Where nobody can be tapped. */
export function renderNoTap(): Html {
  return html`<h1>Live requests</h1>
<p>Tap is not available here.</p>`;
}

/** All that have meshed pods, and their namespaces: by namespace and name. */
function meshedOwners(pods: Iterable<WorkloadPod>): readonly Owner[] {
  const owners = new Map<string, Owner>();
  for (const pod of pods) {
    if (!pod.isMeshed) continue;
    const { namespace } = pod;
    const whole = { kind: "namespace", namespace, name: namespace };
    for (const owner of [whole, ownerOfPod(pod, pod.owners)]) {
      if (canBeTapped(owner)) owners.set(sortKey(owner), owner);
    }
  }
  return [...owners].sort(([a], [b]) => a < b ? -1 : 1).map(([, own]) => own);
}

/** A namespace comes before what is in it. */
function sortKey({ kind, namespace, name }: Owner): string {
  return JSON.stringify([namespace, kind !== "namespace", name, kind]);
}

function renderForm(
  owners: readonly Owner[],
  { namespace }: Asked,
  query: URLSearchParams,
): Html {
  const found = owners.filter((owner) =>
    namespace === null || owner.namespace === namespace
  );
  const shown = found.slice(0, MAX_CHOICES).map(formatTarget);
  const given = (name: string) => query.get(name) ?? "";
  return html`
    <form class="choices" method="get" action="tap">
      ${["namespace", "window"].map((name) => renderKept(name, given(name)))}
      <label>Workload <select name="target" required>${renderWorkloads(
        "",
        shown,
        given("target"),
      )}</select></label>
      <label>Sent to <select name="to">${renderWorkloads(
        "anybody",
        shown,
        given("to"),
      )}</select></label>
      <label>Method <select name="method">${renderOptions(
        [["", "any"], ...METHODS.map((method) => [method, method] as const)],
        given("method"),
      )}</select></label>
      ${renderText("Authority", "authority", given("authority"))}
      ${renderText("Path begins with", "path", given("path"))}
      <label>At most <input name="rps" type="number" min="1" max="${MAX_RPS}" value="${given(
        "rps",
      ) || USUAL_RPS}"> a second</label>
      <button type="submit">Show</button>
    </form>
    ${found.length > shown.length
      ? html`<p>${shown.length} of ${found.length} workloads can be chosen: <a href="overview">their pages</a> lead to others.</p>`
      : ""}
  `;
}

/** What other views have been asked stays in the address. */
function renderKept(name: string, value: string): Html {
  return value === ""
    ? html``
    : html`<input type="hidden" name="${name}" value="${value}">`;
}

function renderWorkloads(
  nothing: string,
  names: readonly string[],
  chosen: string,
): readonly Html[] {
  // The one that was chosen can be gone by now, or be one of those that find no place.
  const all = chosen === "" || names.includes(chosen)
    ? names
    : [chosen, ...names];
  return renderOptions(
    [["", nothing], ...all.map((name) => [name, nameOf(name)] as const)],
    chosen,
  );
}

/** `deployment/shop/web` as people say it. */
function nameOf(target: string): string {
  const [kind = "", namespace = "", name = ""] = target.split("/");
  return kind === "namespace"
    ? `${name}: all of it`
    : `${namespace}: ${name} (${kind})`;
}

function renderText(label: string, name: string, value: string): Html {
  return html`<label>${label} <input name="${name}" maxlength="${MAX_TEXT}" value="${value}" autocapitalize="none" spellcheck="false"></label>`;
}
