import type { Config } from "../config.ts";
import type { ControlClient } from "../control/client.ts";
import type { Log as ControlLog } from "../control/connector.ts";
import { meterService } from "../control/meters.ts";
import { openControlClient, type OpenOptions } from "../control/open.ts";
import type { Drain } from "../drain.ts";
import { clientHttp2 } from "../http2-sides.ts";
import type { Identity } from "../identity.ts";
import type { Log, Logs } from "../log.ts";
import { countOne } from "../record.ts";
import { dnsLabels } from "../record/control.ts";
import type { Families } from "../record/families.ts";
import type { Taps } from "../tap/taps.ts";

/** What the parts of a proxy have in common. */
export interface Shared {
  readonly config: Config;
  readonly logs: Logs;
  readonly families: Families;
  readonly drain: Drain;
  readonly taps: Taps;
}

/** The same once it knows who it is. */
export interface Identified extends Shared {
  readonly identity: Identity;
}

/** A client of one service of the control plane; its log is named as the service. */
export function openClient(
  shared: Shared,
  name: keyof Config["control"],
  identity: () => Identity,
): ControlClient {
  return openControlClient(name, shared.config.control[name], {
    ...connecting(shared, identity),
    log: lines(shared.logs.target(name)),
  });
}

/** How services that this proxy uses are connected to. */
export function connecting(
  { config, families }: Shared,
  identity: () => Identity,
): Omit<OpenOptions, "log"> {
  const { connectTimeoutMs, connect } = config.outbound;
  return {
    credentials: () => identity().credentials,
    anchors: () => identity().anchors,
    http2: clientHttp2(config, families, "control dst"),
    connectTimeoutMs,
    tcp: connect,
    meters: (name, service) => meterService(families.control, name, service),
    resolved: (by, result) =>
      countOne(
        families.control.dnsResolutions,
        dnsLabels(by, "A/AAAA", result),
      ),
  };
}

/** A log as the control clients know it. */
export function lines(log: Log): ControlLog {
  return (level, message, fields) => log[level](message, fields);
}
