import { setTimeout as pause } from "node:timers/promises";
import { describe } from "../../schemas/problem.ts";
import type { Log } from "../log.ts";
import { type FrontProxy, parseFrontProxy } from "../front-proxy.ts";
import { callApi } from "./api.ts";
import type { ApiServer } from "./in-cluster.ts";

const PATH =
  "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

/** Its certificate authority is replaced with both in the bundle for much longer. */
const EVERY_MS = 30_000;
/** Until it has been read for the first time. */
const RETRY_MS = 2_000;
const TIMEOUT_MS = 10_000;

export interface FollowOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly changed: (proxy: FrontProxy) => void;
  readonly everyMs?: number;
  readonly retryMs?: number;
}

/**
 * Reads whom the API server lets speak for users, now, as often as it takes, and then again and again until `signal` aborts:
 * what cannot be read later, or makes no sense, is told and changes nothing. Rejects only when `signal` aborts.
 */
export async function followFrontProxy(
  server: ApiServer,
  { log, signal, changed, everyMs = EVERY_MS, retryMs = RETRY_MS }:
    FollowOptions,
): Promise<FrontProxy> {
  let last = "";
  let complaint = "";
  const look = async (): Promise<FrontProxy | null> => {
    try {
      const proxy = await read(server, signal);
      const text = JSON.stringify(proxy);
      if (last !== "" && text !== last) changed(proxy);
      last = text;
      complaint = "";
      return proxy;
    } catch (error) {
      const said = describe(error);
      if (!signal.aborted && said !== complaint) {
        log.warn("cannot read whom the API server lets speak for users", {
          error: said,
        });
      }
      complaint = said;
      return null;
    }
  };
  let first = await look();
  while (first === null) {
    await pause(retryMs, undefined, { signal });
    first = await look();
  }
  void (async () => {
    while (!signal.aborted) {
      await pause(everyMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await look();
    }
  })();
  return first;
}

async function read(
  server: ApiServer,
  signal: AbortSignal,
): Promise<FrontProxy> {
  const response = await callApi(server, {
    path: PATH,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const { data } = await response.json() as {
    readonly data?: Readonly<Record<string, unknown>>;
  };
  return parseFrontProxy(data ?? {});
}
