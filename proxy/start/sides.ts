import { join } from "node:path";
import type { AdminPort } from "../admin/port.ts";
import { type Control, createControl } from "../control.ts";
import { createSnapshot } from "../control/snapshot.ts";
import type { Tracing } from "../trace/request-trace.ts";
import { startInboundSide } from "./inbound-side.ts";
import { startOutboundSide } from "./outbound-side.ts";
import { type Identified, lines, openClient } from "./shared.ts";

/** What the control plane told, beside the certificate. */
const TOLD = "control-plane.told";

/** Starts to carry traffic, as the control plane says. */
export function startSides(
  shared: Identified,
  adminPort: AdminPort,
  tracing: Tracing | undefined,
): { close(): void }[] {
  const control = followControlPlane(shared);
  const outbound = startOutboundSide(shared, control, tracing);
  const inbound = startInboundSide(shared, {
    control,
    adminPort,
    beyond: outbound.beyond,
    tracing,
  });
  return [inbound, outbound];
}

function followControlPlane(shared: Identified): Control {
  const { config, identity, logs } = shared;
  const log = lines(logs.target("control"));
  return createControl({
    destination: openClient(shared, "destination", () => identity),
    policy: openClient(shared, "policy", () => identity),
    workload: config.policy.workload,
    context: config.destination.context,
    snapshot: createSnapshot({
      path: join(config.identity.dir, TOLD),
      now: Date.now,
      log,
    }),
    random: Math.random,
    log,
  });
}
