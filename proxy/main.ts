import type { ServerPolicy } from "../schemas/policy.ts";
import { join } from "node:path";
import { describe, Problem } from "../schemas/problem.ts";
import { startAdmin } from "./admin.ts";
import { startCertification } from "./certification.ts";
import { createAdminPort, withProbes } from "./admin/port.ts";
import { type Config, parseConfig } from "./config.ts";
import { defaultServerPolicy } from "./config/policy.ts";
import { hasPort } from "./config/side.ts";
import { createControl } from "./control.ts";
import type { ControlClient } from "./control/client.ts";
import type { Log as ControlLog } from "./control/connector.ts";
import { meterService } from "./control/meters.ts";
import { openControlClient, type OpenOptions } from "./control/open.ts";
import { createSnapshot } from "./control/snapshot.ts";
import { createDrain } from "./drain.ts";
import type { GatewayOptions } from "./gateway/passage.ts";
import type { Identity } from "./identity.ts";
import { startInbound } from "./inbound.ts";
import { createAccessLog } from "./inbound/access-log.ts";
import { createApps } from "./inbound/apps.ts";
import { createAuthorities } from "./inbound/authorities.ts";
import { createPorts } from "./inbound/ports.ts";
import { createProfiles } from "./inbound/profiles.ts";
import { createInboundRecorder } from "./inbound/recorder.ts";
import { createLogs, type Log } from "./log.ts";
import { createOutput } from "./log/output.ts";
import { clientHttp2, serverHttp2 } from "./http2-sides.ts";
import { startTracing } from "./trace/start.ts";
import { startOutbound } from "./outbound.ts";
import { createOutboundRecorder } from "./outbound/recorder.ts";
import { recordProcess } from "./process.ts";
import { countOne, createRegistry } from "./record.ts";
import { dnsLabels } from "./record/control.ts";
import { createFamilies, type Families } from "./record/families.ts";
import { createNames } from "./record/names.ts";
import { INBOUND_DESTINATION_LABELS } from "./record/traffic.ts";
import { recordDroppedTapEvents } from "./record/tap.ts";
import { TcpRecorder } from "./record/tcp.ts";
import { startTap } from "./tap.ts";
import { Taps } from "./tap/taps.ts";
import type { Credentials } from "./tls.ts";
import { BUILD } from "./version.ts";

/** Exit codes, as Linkerd's proxy: 64 for a configuration that cannot be used (EX_USAGE), 1 for any other failure. */
const EXIT_CONFIG = 64;
/** What the control plane told, beside the certificate. */
const TOLD = "control-plane.told";
/** How long the end waits for a collector to take the last spans; kubelet's patience also goes to the connections. */
const LAST_SPANS_MS = 2_000;
/** How often a proxy without its first certificate says so. */
const WAITING_LINE_MS = 15_000;

const output = createOutput(Bun.stdout.writer());

try {
  await run(parseConfig(process.env));
} catch (error) {
  const config = error instanceof Problem && error.code === "config.invalid";
  output.write(`${describe(error)}\n`);
  await output.flush();
  process.exit(config ? EXIT_CONFIG : 1);
}

/** Starts everything; returns once traffic is served. */
async function run(config: Config): Promise<void> {
  const logs = createLogs({
    filter: config.log.filter,
    format: config.log.format,
    write: output.write,
    uptimeMs: () => performance.now(),
  });
  const log = logs.target("app");
  for (const warning of config.warnings) log.warn(warning);

  const registry = createRegistry({ retainIdleMs: config.metricsRetainIdleMs });
  const families = createFamilies(registry);
  recordProcess(registry, BUILD);
  const drain = createDrain();
  const stop = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => stop.resolve(signal));
  }

  // What a connection's code has overlooked must not end the others: as a task of Linkerd's that panics ends alone.
  const overlooked = log.limited(1);
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (thrown: unknown) => {
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      overlooked(event, "Unexpected failure", {
        error: describe(thrown),
        stack: stack?.replace(/\s+/g, " "),
      });
    });
  }

  const certified = Promise.withResolvers<void>();
  const identity = await startCertification({
    config: config.identity,
    openClient: (of) =>
      client("identity", of, config, families, logs.target("identity")),
    families: families.control,
    certified: certified.resolve,
    log: lines(logs.target("identity")),
  });
  const adminPort = createAdminPort(
    config.admin.listen.port,
    defaultPolicyOf(config, config.admin.listen.port),
  );
  const admin = startAdmin({
    address: config.admin.listen,
    accept: config.inbound.accept,
    name: config.identity.localName,
    credentials: () => identity.credentials,
    detectTimeoutMs: config.inbound.detectTimeoutMs,
    http2: serverHttp2(config.inbound.serverHttp2, families, "inbound src"),
    port: adminPort,
    registry,
    families,
    logs,
    env: process.env,
    ready: () => identity.credentials !== null,
    shutdown: config.admin.shutdownEndpoint
      ? () => stop.resolve("POST /shutdown")
      : null,
  });
  log.info("Admin interface on", { port: admin.port });
  const taps = new Taps();
  const tap = startTapping(config.tap);

  const waiting = setInterval(
    () => log.warn("Waiting for identity to be initialized..."),
    WAITING_LINE_MS,
  );
  const first = await Promise.race([
    certified.promise.then(() => null),
    stop.promise,
  ]);
  clearInterval(waiting);
  const tracing = first === null
    ? await startTracing(config.trace, {
      ...connecting(() => identity, config, families),
      families: families.trace,
      log: logs.target("trace"),
    })
    : undefined;
  const sides = first === null ? startSides() : [];
  if (first === null) {
    log.info("Serving", {
      name: config.identity.localName,
      inMs: Math.round(performance.now()),
    });
  }

  const reason = await stop.promise;
  log.info("Shutting down", { reason, connections: drain.held });
  for (const side of [...sides, ...tap]) void side.close();
  const grace = setTimeout(() => {
    log.warn("Connections did not finish in time", { connections: drain.held });
    void exit();
  }, config.shutdownGraceMs);
  await drain.begin();
  clearTimeout(grace);
  await exit();

  function startTapping(
    { client, listen }: Config["tap"],
  ): { close(): void }[] {
    const log = logs.target("tap");
    if (client === null) {
      log.info("Tap DISABLED");
      return [];
    }
    const tap = startTap({
      address: listen,
      accept: config.inbound.accept,
      name: config.identity.localName,
      credentials: () => identity.credentials,
      http2: serverHttp2(config.inbound.serverHttp2, families, "inbound src"),
      client,
      taps,
      dropped: recordDroppedTapEvents(families.tapDropped),
      log,
    });
    log.info("Tap interface on", { port: tap.port });
    return [tap];
  }

  function startSides(): { close(): void }[] {
    const credentials = () => identity.credentials;
    const control = createControl({
      destination: client(
        "destination",
        () => identity,
        config,
        families,
        logs.target("destination"),
      ),
      policy: client(
        "policy",
        () => identity,
        config,
        families,
        logs.target("policy"),
      ),
      workload: config.policy.workload,
      context: config.destination.context,
      snapshot: createSnapshot({
        path: join(config.identity.dir, TOLD),
        now: Date.now,
        log: lines(logs.target("control")),
      }),
      random: Math.random,
      log: lines(logs.target("control")),
    });
    const out = outbound(control, credentials);
    return [inbound(control, credentials, out.beyond), out];
  }

  function inbound(
    control: ReturnType<typeof createControl>,
    credentials: () => Credentials | null,
    beyond: GatewayOptions["open"],
  ): { close(): void } {
    const side = config.inbound;
    const suffixes = side.gatewaySuffixes;
    const ports = createPorts({
      control,
      permanent: suffixes.length === 0
        ? side.ports
        : [...side.ports, side.listen.port],
      idleMs: side.discoveryIdleTimeoutMs,
      defaultPolicy: (port) => defaultPolicyOf(config, port),
    });
    adminPort.follow(ports.take(adminPort.number));
    return startInbound({
      listen: side.listen,
      accept: { ...side.accept, backlog: side.listenBacklog },
      ownIps: side.ips,
      name: config.identity.localName,
      credentials,
      detectTimeoutMs: side.detectTimeoutMs,
      ports,
      apps: createApps({
        connectTimeoutMs: side.connectTimeoutMs,
        tcp: side.connect,
        pool: {
          maxIdle: side.maxIdleConnectionsPerEndpoint,
          idleMs: side.http1PoolIdleTimeoutMs,
        },
        backOff: side.backoff,
        http2: clientHttp2(config, families, "inbound dst"),
        meters: new TcpRecorder(families.tcp, INBOUND_DESTINATION_LABELS),
      }),
      http1: {},
      http2: serverHttp2(side.serverHttp2, families, "inbound src"),
      inFlight: { count: 0, max: side.maxInFlight },
      recorder: createInboundRecorder(families),
      authorities: side.authorityLabels
        ? createAuthorities(createNames(families.http.requests))
        : undefined,
      profiles: createProfiles({
        control,
        suffixes: config.destination.profileSuffixes,
        initialTimeoutMs: config.destination.profileInitialTimeoutMs,
        idleMs: side.discoveryIdleTimeoutMs,
        families: families.outbound.profile.route,
      }),
      accessLog: config.log.access === null ? undefined : createAccessLog(
        config.log.access,
        createOutput(Bun.stderr.writer()),
        Date.now,
      ),
      gateway: { suffixes, open: beyond },
      taps,
      tracing,
      drain,
      log: logs.target("inbound"),
    });
  }

  function outbound(
    control: ReturnType<typeof createControl>,
    credentials: () => Credentials | null,
  ): ReturnType<typeof startOutbound> {
    const side = config.outbound;
    const recorder = createOutboundRecorder(families);
    return startOutbound({
      listen: side.listen,
      accept: { ...side.accept, backlog: side.listenBacklog },
      detectTimeoutMs: side.detectTimeoutMs,
      idleMs: side.discoveryIdleTimeoutMs,
      control,
      discover: {
        control,
        profileNetworks: config.destination.profileNetworks,
        detectTimeoutMs: side.detectTimeoutMs,
      },
      endpoints: {
        credentials,
        ownIps: config.inbound.ips,
        connectTimeoutMs: side.connectTimeoutMs,
        tcp: side.connect,
        pool: {
          maxIdle: side.maxIdleConnectionsPerEndpoint,
          idleMs: side.http1PoolIdleTimeoutMs,
        },
        backOff: side.backoff,
        http2: clientHttp2(config, families, "outbound dst"),
        families,
      },
      httpQueue: side.httpQueue,
      tcpQueue: side.tcpQueue,
      direction: {
        informational: side.informationalHeaders && !side.ingress,
        inFlight: { count: 0, max: side.maxInFlight },
        recorder,
        taps,
      },
      http1: {},
      http2: serverHttp2(side.serverHttp2, families, "outbound src"),
      recorder,
      drain,
      log: logs.target("outbound"),
      hostnameLabels: side.hostnameLabels,
      tracing,
      ingress: side.ingress,
    });
  }

  async function exit(): Promise<never> {
    await tracing?.close(LAST_SPANS_MS);
    await output.flush();
    process.exit(0);
  }
}

/** Who may call a port until the control plane has said so. */
function defaultPolicyOf(
  { admin, inbound, policy }: Config,
  port: number,
): ServerPolicy {
  const { detectTimeoutMs } = inbound;
  if (port === admin.listen.port) {
    return withProbes(
      defaultServerPolicy(policy, { detectTimeoutMs }),
      detectTimeoutMs,
    );
  }
  const opaque = hasPort(inbound.opaquePorts, port);
  return defaultServerPolicy(policy, opaque ? "opaque" : { detectTimeoutMs });
}

/** A client of one service of the control plane. */
function client(
  name: keyof Config["control"],
  identity: () => Identity,
  config: Config,
  families: Families,
  log: Log,
): ControlClient {
  return openControlClient(name, config.control[name], {
    ...connecting(identity, config, families),
    log: lines(log),
  });
}

/** How services that this proxy uses are connected to. */
function connecting(
  identity: () => Identity,
  config: Config,
  families: Families,
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
function lines(log: Log): ControlLog {
  return (level, message, fields) => log[level](message, fields);
}
