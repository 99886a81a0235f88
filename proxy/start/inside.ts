import { startAdmin } from "../admin.ts";
import type { Port } from "../inbound/ports.ts";
import { serverHttp2 } from "../http2-sides.ts";
import type { Registry } from "../record.ts";
import { recordDroppedTapEvents } from "../record/tap.ts";
import { startTap } from "../tap.ts";
import type { Identified } from "./shared.ts";

/** Starts the admin server; `shutdown` is called when somebody asks for it, and may. */
export function startAdminServer(
  shared: Identified,
  registry: Registry,
  port: Port,
  shutdown: () => void,
): void {
  const { config, logs, families, identity } = shared;
  const admin = startAdmin({
    ...asInbound(shared),
    address: config.admin.listen,
    detectTimeoutMs: config.inbound.detectTimeoutMs,
    port,
    registry,
    families,
    logs,
    env: process.env,
    ready: () => identity.credentials !== null,
    shutdown: config.admin.shutdownEndpoint ? shutdown : null,
  });
  logs.target("app").info("Admin interface on", { port: admin.port });
}

/** Starts the tap server; null: nobody may tap. */
export function startTapServer(
  shared: Identified,
): ReturnType<typeof startTap> | null {
  const { config, families, taps, logs } = shared;
  const { client, listen } = config.tap;
  const log = logs.target("tap");
  if (client === null) {
    log.info("Tap DISABLED");
    return null;
  }
  const tap = startTap({
    ...asInbound(shared),
    address: listen,
    client,
    taps,
    dropped: recordDroppedTapEvents(families.tapDropped),
    log,
  });
  log.info("Tap interface on", { port: tap.port });
  return tap;
}

/** What both have of the inbound side. */
function asInbound({ config, families, identity }: Identified) {
  const { accept, serverHttp2: settings } = config.inbound;
  return {
    accept,
    name: config.identity.localName,
    credentials: () => identity.credentials,
    http2: serverHttp2(settings, families, "inbound src"),
  };
}
