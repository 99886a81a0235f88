import type { ClientPolicy } from "../../schemas/client-policy.ts";
import type { Upstream } from "../endpoint.ts";
import type { Families } from "../record/families.ts";
import { createBackends } from "../outbound/backends.ts";
import { openRoutes } from "../outbound/routes.ts";
import { recordTarget } from "../outbound/target-recorder.ts";
import { refusing } from "../outbound/tcp-routes.ts";
import type { Target } from "../outbound/target.ts";
import { Problem } from "../../schemas/problem.ts";

/** A target with the routes of a policy for HTTP, each backend of which is this one upstream. */
export function targetTo(
  upstream: Upstream,
  { parent, protocol }: ClientPolicy,
  families: Families,
): Target {
  if (protocol.kind === "opaque" || protocol.kind === "tls") {
    throw new TypeError("not a policy for HTTP");
  }
  const address = { ip: "192.0.2.2", port: 80 };
  const routes = openRoutes(protocol, parent, {
    backends: createBackends(() => ({
      available: true,
      ready: true,
      pick: () => upstream,
      at: () => upstream,
      wait() {},
      withdraw() {},
      close() {},
    })),
    families: families.outbound,
    random: Math.random,
    hostnames: false,
  });
  const noBytes = refusing(parent, new Problem("forbidden", "HTTP alone"));
  return {
    name: "192.0.2.2:80",
    route: routes.find,
    routeTcp: () => noBytes,
    policy: null,
    profiled: false,
    ready: () => () => {},
    recorder: recordTarget(families, address, (name) => name),
    habits: { speaksFirst: false, speaksHttp: true },
    release() {},
  };
}
