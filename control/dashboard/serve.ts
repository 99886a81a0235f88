import { type Context, Hono } from "hono";
import { html } from "hono/html";
import { harmless } from "../../schemas/harmless.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { OpenTap } from "../serve/tap.ts";
import { readAuthorizations } from "../stats/query/inbound.ts";
import { readLinks } from "../stats/query/links.ts";
import { type Owner, ownerKey } from "../stats/query/owner.ts";
import { readOutbound } from "../stats/query/outbound.ts";
import { readStat } from "../stats/query/stat.ts";
import { type Asked, parseAsked } from "./asked.ts";
import ICON from "./assets/icon.svg" with { type: "text" };
import REFRESH from "./assets/refresh.js" with { type: "text" };
import STYLE from "./assets/style.css" with { type: "text" };
import TAP from "./assets/tap.js" with { type: "text" };
import { createHour } from "./hour.ts";
import { type Html, type Page, renderPage } from "./layout.ts";
import { renderOverview } from "./overview.ts";
import { renderNoTap, renderTap } from "./tap.ts";
import { parseTapAsked } from "./tap-asked.ts";
import { serveTapEvents } from "./tap-events.ts";
import { renderTopology } from "./topology.ts";
import { renderWorkload, type WorkloadView } from "./workload.ts";
import { readWorkloads, type Source } from "./workloads.ts";
import type { Visitor } from "../visitor.ts";

/** Nothing from elsewhere, nothing inline, in nobody's frame; and no answer that outlives its moment. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    ...["style-src", "script-src", "connect-src", "img-src", "form-action"]
      .map((what) => `${what} 'self'`),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

const ASSETS = [
  ["style.css", "text/css", STYLE],
  ["refresh.js", "text/javascript", REFRESH],
  ["tap.js", "text/javascript", TAP],
  ["icon.svg", "image/svg+xml", ICON],
] as const;

const VIEWS = ["overview", "topology", "workload", "tap"] as const;

/**
 * Pages about the golden metrics: an overview, who talks to whom, and one for each workload. They only read. Every
 * address is one segment and links are relative, so that they can be mounted below any path: Kubernetes' rights name single
 * segments.
 */
export function createDashboard(
  source: Source,
  openTap: OpenTap | null = null,
): Hono<{ Bindings: Visitor }> {
  const hour = createHour(source.readings, source.now);
  const app = new Hono<{ Bindings: Visitor }>();
  const view = (
    path: "" | typeof VIEWS[number],
    show: (asked: Asked, query: URLSearchParams) => Promise<
      { readonly title: string; readonly body: Html }
    >,
  ) =>
    app.get(`/${path}`, async (context) => {
      const { searchParams } = new URL(context.req.url);
      try {
        const asked = parseAsked(searchParams);
        const shown = await show(asked, searchParams);
        return answer(context, {
          ...shown,
          path: path || "overview",
          asked,
          script: path === "tap" ? "tap.js" : "refresh.js",
        }, 200);
      } catch (thrown) {
        return answer(context, failure(thrown), statusOf(thrown));
      }
    });

  for (const path of ["", "overview"] as const) {
    view(path, async (asked) => {
      const [rows, past] = await Promise.all([
        readWorkloads(source, asked.windowMs),
        hour(),
      ]);
      return { title: "Overview", body: renderOverview(rows, past, asked) };
    });
  }
  view("topology", async (asked) => {
    const [links, workloads] = await Promise.all([
      readLinks(asked.windowMs, source.readings),
      readWorkloads(source, asked.windowMs),
    ]);
    return {
      title: "Topology",
      body: renderTopology(links, workloads, asked),
    };
  });
  view("workload", async ({ windowMs }, query) => {
    const owner = parseOwner(query);
    const shown = await readWorkload(source, hour, owner, windowMs);
    return { title: owner.name, body: renderWorkload(shown) };
  });
  view("tap", (asked, query) => {
    const body = openTap === null
      ? renderNoTap()
      : renderTap(source.pods(), asked, query, parseTapAsked(query));
    return Promise.resolve({ title: "Live requests", body });
  });
  app.get("/tap-events", async (context, next) => {
    if (openTap === null) return await context.notFound();
    // Nobody reads the body of an answer to HEAD.
    if (context.req.method !== "GET") return await next();
    const response = await serveTapEvents(context, openTap, source.now);
    for (const [name, value] of Object.entries(HEADERS)) {
      response.headers.set(name, value);
    }
    return response;
  });
  for (const [name, type, text] of ASSETS) {
    app.get(`/${name}`, () =>
      new Response(text, {
        headers: { ...HEADERS, "content-type": `${type}; charset=utf-8` },
      }));
  }
  for (
    const path of ["", ...VIEWS, "tap-events", ...ASSETS.map(([name]) => name)]
  ) {
    app.all(`/${path}`, () => notAllowed(path !== "tap-events"));
  }
  return app;
}

function notAllowed(hasHead: boolean): Response {
  return new Response("Method Not Allowed: the dashboard only reads\n", {
    status: 405,
    headers: { ...HEADERS, allow: hasHead ? "GET, HEAD" : "GET" },
  });
}

function answer(context: Context, page: Page, status: 200 | 400 | 502) {
  for (const [name, value] of Object.entries(HEADERS)) {
    context.header(name, value);
  }
  // Markup is written to be read, and sent to be light; text has no line breaks of its own (schemas/harmless.ts).
  const text = String(renderPage(page)).trim().replaceAll(/\s*\n\s*/g, "\n");
  return context.html(text, status);
}

async function readWorkload(
  { readings, pods }: Source,
  hour: ReturnType<typeof createHour>,
  owner: Owner,
  windowMs: number,
): Promise<WorkloadView> {
  const [stats, past, inbound, outbound, links] = await Promise.all([
    readStat({ target: owner, windowMs, to: null, from: null }, readings, pods),
    hour(),
    readAuthorizations(owner, windowMs, readings),
    readOutbound(owner, windowMs, readings),
    readLinks(windowMs, readings),
  ]);
  // What is gone, or was never there, has a page without figures.
  const [stat = { ...owner, pods: null, golden: null, tcp: null }] = stats;
  const key = ownerKey(owner);
  return {
    ...{ stat, past: past.get(key), inbound, outbound, windowMs },
    callers: links.filter(({ target }) => ownerKey(target) === key),
    callees: links.filter(({ source }) => ownerKey(source) === key),
  };
}

function parseOwner(query: URLSearchParams): Owner {
  const [kind, namespace, name] = ["kind", "namespace", "name"]
    .map((part) => query.get(part) ?? "");
  if (kind && namespace && name) return { kind, namespace, name };
  throw new Problem(
    "request.invalid",
    "expected a kind, a namespace and a name",
  );
}

function failure(thrown: unknown): Page {
  const hint = thrown instanceof Problem ? thrown.hint : undefined;
  return {
    title: "Nothing to show",
    path: "",
    asked: null,
    script: "refresh.js",
    body: html`<h1>Nothing to show</h1>
<p>${harmless(describe(thrown))}</p>
${hint === undefined ? "" : html`<p>${harmless(hint)}</p>`}`,
  };
}

function statusOf(thrown: unknown): 400 | 502 {
  return thrown instanceof Problem && thrown.code === "request.invalid"
    ? 400
    : 502;
}
