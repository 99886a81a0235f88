import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { isOwnVisitor, NOT_OURS } from "../../schemas/loopback.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { GROUP_VERSION, VIZ_GROUP } from "../../schemas/tap.ts";
import { refusalOf } from "../cluster/refusal.ts";
import { explain, type MetricsApi } from "./reach.ts";

export interface Pages {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** What pages are made of: each lies beside the others, for Kubernetes takes more segments for something else. */
const PAGE = /^\/(?:[a-z][\w.-]*)?$/;
/** The page whose answer goes on. */
const LIVE = "/tap-events";

/** Where the API server has a page: what goes on is watched there, else it would be cut off after a minute. */
export function pagePath(page: string): string {
  const api = `/apis/${VIZ_GROUP}/${GROUP_VERSION}`;
  return page === LIVE
    ? `${api}/watch/dashboard${page}`
    : `${api}/dashboard${page}`;
}

/**
 * Serves the dashboard's pages on a loopback port (0: any): each is fetched from the API server as the caller, and only read.
 * Pages from elsewhere get nothing. Throws `config.invalid` when the port is taken.
 */
export async function passPagesOn(
  api: MetricsApi,
  port: number,
): Promise<Pages> {
  const server = createServer((request, response) => {
    const { method = "", url = "/", headers } = request;
    const [page = "", query = ""] = url.split("?", 2);
    const header = (name: string) => headers[name]?.toString();
    // A link from elsewhere leads to pages, but has no proxy work.
    if (!isOwnVisitor(header, { isLedHere: page !== LIVE })) {
      return say(response, 403, NOT_OURS);
    }
    if (method !== "GET") return say(response, 405, "these pages only read");
    if (!PAGE.test(page)) {
      return say(response, 404, "there is no such page");
    }
    // A link may lead to a page, but not to what has proxies look.
    const site = headers["sec-fetch-site"] ?? "same-origin";
    if (page === LIVE && site !== "same-origin") {
      return say(response, 403, NOT_OURS);
    }
    const asked = Object.fromEntries(new URLSearchParams(query));
    void pass(api, page, asked, response);
  });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    throw new Problem(
      "config.invalid",
      `Cannot listen on 127.0.0.1:${port}: ${describe(error)}`,
      {
        hint:
          "another linkerd viz dashboard may have it; choose another --port, or 0 for any",
      },
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function pass(
  api: MetricsApi,
  page: string,
  query: Readonly<Record<string, string>>,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  try {
    const answer = await api.send({
      path: pagePath(page),
      query,
      signal: gone.signal,
    });
    if (!answer.ok && isStatus(answer)) {
      const { message, hint } = explain(
        refusalOf(answer.status, await answer.text()),
      );
      return say(response, answer.status, `${message}\n${hint ?? ""}`);
    }
    response.writeHead(
      answer.status,
      [...answer.headers].filter(isPassedOn).flat(),
    );
    for await (const chunk of answer.body ?? []) {
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  } catch (error) {
    if (response.headersSent) response.destroy();
    else say(response, 502, describe(error));
  }
}

/** The API server's own answer, and not a page. */
function isStatus(answer: Response): boolean {
  return answer.headers.get("content-type")?.startsWith("application/json") ??
    false;
}

/** What is of the page, and not of the connections in between. */
const OF_PAGES: ReadonlySet<string> = new Set([
  ...["content-type", "content-security-policy", "x-content-type-options"],
  ...["referrer-policy", "cache-control", "cross-origin-resource-policy"],
  "cross-origin-opener-policy",
]);

function isPassedOn([name]: readonly [string, string]): boolean {
  return OF_PAGES.has(name);
}

/** Until more can be written, or nobody reads. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ["drain", "close"] as const;
  for (const event of events) response.once(event, resolve);
  await promise;
  for (const event of events) response.off(event, resolve);
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
  response.end(`${text.trim()}\n`);
}
