import { harmless } from "../../schemas/harmless.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { ApiError, type ApiRequest } from "../cluster.ts";
import type { World } from "../command.ts";
import { refusalOf } from "../cluster/refusal.ts";
import type { Given } from "../flags.ts";

/** The metrics component: behind the API server, with the caller's credentials, or at `--api-addr`. */
export interface MetricsApi {
  /** For messages. */
  readonly at: string;
  /** An answer of whatever status, read as it comes, until the request's `signal` aborts. Throws `connect.failed`. */
  readonly send: (request: ApiRequest) => Promise<Response>;
  /** The same, but throws what `explain` makes of a refusal. */
  readonly open: (request: ApiRequest) => Promise<Response>;
  /** The JSON of an answer; throws likewise. */
  readonly ask: (request: ApiRequest) => Promise<unknown>;
}

/** How long an answer may take; a Prometheus behind it has 15 s. */
export const TIMEOUT_MS = 20_000;

/** Finds the metrics component; nothing is asked of it yet. Throws `config.invalid` without a cluster. */
export async function reachMetrics(
  given: Given,
  world: World,
): Promise<MetricsApi> {
  const address = given.text("api-addr");
  if (address) {
    const at = `http://${address}`;
    const send: Send = (request) => openAt(at, request);
    return createApi(at, send, async (request) => {
      const response = await send(request);
      if (response.ok) return await response.json();
      throw refusalOf(response.status, await response.text());
    });
  }
  const { openCluster } = await import("../cluster/open.ts");
  const { call, open, server } = await openCluster(given, world);
  return createApi(server, open, call);
}

type Send = MetricsApi["send"];

function createApi(
  at: string,
  send: Send,
  call: (request: ApiRequest) => Promise<unknown>,
): MetricsApi {
  return {
    at,
    send,
    open: async (request) => {
      const response = await send(request);
      if (response.ok) return response;
      throw explain(refusalOf(response.status, await response.text()));
    },
    ask: async (request) => {
      const signal = request.signal ?? AbortSignal.timeout(TIMEOUT_MS);
      try {
        return await call({ ...request, signal });
      } catch (error) {
        if (error instanceof ApiError && error.status !== 401) {
          throw explain(error);
        }
        if (!(error instanceof SyntaxError)) throw error;
        throw new Problem(
          "request.invalid",
          `the answer of ${at} is not one of the metrics component`,
        );
      }
    },
  };
}

/** What a caller can do about a refusal. */
export function explain(error: ApiError): Problem {
  const { status } = error;
  const hint = error.hint === undefined ? undefined : harmless(error.hint);
  const message = harmless(error.message);
  if (status === 403) {
    return new Problem("forbidden", message, {
      hint: hint ?? RIGHTS,
      cause: error,
    });
  }
  // No APIService, or no Pod behind it.
  if (status === 404 || status === 503) {
    const state = status === 404 ? "is not installed" : "does not answer";
    return new Problem(
      "connect.failed",
      `The metrics component ${state}: ${message}`,
      { hint: ABSENT, cause: error },
    );
  }
  return new Problem("request.invalid", message, {
    cause: error,
    ...hint === undefined ? {} : { hint },
  });
}

const RIGHTS =
  "metrics of a namespace are for who may view it, the dashboard for who may view all; live requests are for who has the ClusterRole linkerd-linkerd-tap-admin";
const ABSENT =
  "validate the install with: linkerd viz check; `linkerd upgrade` brings what is missing";

async function openAt(
  at: string,
  { method = "GET", path, query, body, signal }: ApiRequest,
): Promise<Response> {
  const url = new URL(path, at);
  for (const [name, value] of Object.entries(query ?? {})) {
    url.searchParams.set(name, value);
  }
  try {
    return await fetch(url, {
      method,
      ...body === undefined ? {} : {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      },
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new Problem(
      "connect.failed",
      `Cannot ask for metrics at ${url.origin}: ${describe(error)}`,
      { hint: "is it the address of a demo, or of a metrics component?" },
    );
  }
}
