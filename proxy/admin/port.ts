import type { ServerPolicy } from "../../schemas/policy.ts";
import { parseNetwork } from "../../schemas/address.ts";
import type { InboundHttpRoute } from "../../schemas/policy.ts";
import type { Port } from "../inbound/ports.ts";
import { enforce } from "../policy/enforcement.ts";

/** The admin port, under its own default policy until there is a control plane to ask. */
export interface AdminPort extends Port {
  /** From now on the policy is that of a port that is watched. */
  follow(watched: Port): void;
}

/** Makes the admin port; `policy` is in force until another is followed. */
export function createAdminPort(
  number: number,
  policy: ServerPolicy,
): AdminPort {
  const initial = enforce(policy, null);
  const subscribers = new Set<() => void>();
  const tell = () => {
    for (const call of [...subscribers]) call();
  };
  let watched: Port | null = null;
  const enforcement = () => watched?.enforcement ?? initial;
  return {
    number,
    get policy() {
      return enforcement().policy;
    },
    get enforcement() {
      return enforcement();
    },
    // Whoever is silent here is a client that waits with its next request.
    habits: { speaksFirst: false, speaksHttp: true },
    subscribe(call) {
      subscribers.add(call);
      return () => void subscribers.delete(call);
    },
    release() {},
    follow(port) {
      watched = port;
      port.subscribe(tell);
      tell();
    },
  };
}

/**
 * What holds at the admin port until the control plane has spoken: a default policy, and the route `probe` that the
 * control plane adds for the proxy's own probes (facts 5.6). Without it a proxy that is to deny by default would be
 * killed by the kubelet before it could ask.
 */
export function withProbes(
  policy: ServerPolicy,
  timeoutMs: number,
): ServerPolicy {
  const protocol = { kind: "detect", timeoutMs, routes: ROUTES } as const;
  return { ...policy, protocol };
}

const PROBE = { kind: "default", name: "probe" } as const;

const ROUTES: readonly InboundHttpRoute[] = [
  {
    meta: { kind: "default", name: "default" },
    hosts: [],
    authorizations: [],
    rules: [{ matches: [], filters: [] }],
  },
  {
    meta: PROBE,
    hosts: [],
    authorizations: [{
      networks: ["0.0.0.0/0", "::/0"].map((network) => ({
        network: parseNetwork(network),
        except: [],
      })),
      authentication: { kind: "unauthenticated" },
      meta: { group: "", ...PROBE },
    }],
    rules: [{
      matches: ["/live", "/ready"].map((path) => ({
        path: { kind: "exact", path },
        headers: [],
        queryParams: [],
        method: "GET",
      })),
      filters: [],
    }],
  },
];
