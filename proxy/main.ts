import { describe, Problem } from "../schemas/problem.ts";
import { startAdmin } from "./admin.ts";
import { type Config, parseConfig } from "./config.ts";
import type { ControlService } from "./config/control.ts";
import { defaultServerPolicy } from "./config/policy.ts";
import { hasPort } from "./config/side.ts";
import { createControl } from "./control.ts";
import type { ControlClient } from "./control/client.ts";
import type { Log as ControlLog } from "./control/connector.ts";
import { openControlClient } from "./control/open.ts";
import { createDrain } from "./drain.ts";
import {
  certifyWith,
  type Identity,
  loadIdentityFiles,
  startIdentity,
} from "./identity.ts";
import { startInbound } from "./inbound.ts";
import { createApps } from "./inbound/apps.ts";
import { createPorts } from "./inbound/ports.ts";
import { createInboundRecorder } from "./inbound/recorder.ts";
import { createLogs, type Log } from "./log.ts";
import { createOutput } from "./log/output.ts";
import { startOutbound } from "./outbound.ts";
import { createOutboundRecorder } from "./outbound/recorder.ts";
import { recordProcess } from "./process.ts";
import { countOne, createRegistry } from "./record.ts";
import { dnsLabels } from "./record/control.ts";
import { createFamilies, type Families } from "./record/families.ts";
import { countViolations, type Http2Side } from "./record/http2.ts";
import { INBOUND_DESTINATION_LABELS } from "./record/traffic.ts";
import { TcpRecorder } from "./record/tcp.ts";
import type { Credentials } from "./tls.ts";
import { BUILD } from "./version.ts";

/** Exit codes, as Linkerd's proxy: 64 for a configuration that cannot be used (EX_USAGE), 1 for any other failure. */
const EXIT_CONFIG = 64;
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
  const identity = await startCertification(
    config,
    families,
    logs.target("identity"),
    certified.resolve,
  );
  const admin = startAdmin({
    address: config.admin.listen,
    registry,
    logs,
    env: process.env,
    ready: () => identity.credentials !== null,
    shutdown: config.admin.shutdownEndpoint
      ? () => stop.resolve("POST /shutdown")
      : null,
  });
  log.info("Admin interface on", { port: admin.port });

  const waiting = setInterval(
    () => log.warn("Waiting for identity to be initialized..."),
    WAITING_LINE_MS,
  );
  const first = await Promise.race([
    certified.promise.then(() => null),
    stop.promise,
  ]);
  clearInterval(waiting);
  const sides = first === null ? startSides() : [];
  if (first === null) {
    log.info("Serving", {
      name: config.identity.localName,
      inMs: Math.round(performance.now()),
    });
  }

  const reason = await stop.promise;
  log.info("Shutting down", { reason, connections: drain.held });
  for (const side of sides) side.close();
  const grace = setTimeout(() => {
    log.warn("Connections did not finish in time", { connections: drain.held });
    void exit();
  }, config.shutdownGraceMs);
  await drain.begin();
  clearTimeout(grace);
  await exit();

  function startSides(): { close(): void }[] {
    const credentials = () => identity.credentials;
    const control = createControl({
      destination: client(
        config.control.destination,
        "destination",
        credentials,
        config,
        families,
        logs.target("destination"),
      ),
      policy: client(
        config.control.policy,
        "policy",
        credentials,
        config,
        families,
        logs.target("policy"),
      ),
      workload: config.policy.workload,
      context: config.destination.context,
      random: Math.random,
      log: lines(logs.target("control")),
    });
    return [inbound(control, credentials), outbound(control, credentials)];
  }

  function inbound(
    control: ReturnType<typeof createControl>,
    credentials: () => Credentials | null,
  ): { close(): void } {
    const side = config.inbound;
    return startInbound({
      listen: side.listen,
      accept: { ...side.accept, backlog: side.listenBacklog },
      ownIps: side.ips,
      name: config.identity.localName,
      credentials,
      detectTimeoutMs: side.detectTimeoutMs,
      ports: createPorts({
        control,
        permanent: side.ports,
        idleMs: side.discoveryIdleTimeoutMs,
        defaultPolicy: (port) =>
          defaultServerPolicy(
            config.policy,
            hasPort(side.opaquePorts, port)
              ? "opaque"
              : { detectTimeoutMs: side.detectTimeoutMs },
          ),
      }),
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
      drain,
      log: logs.target("inbound"),
    });
  }

  function outbound(
    control: ReturnType<typeof createControl>,
    credentials: () => Credentials | null,
  ): { close(): void } {
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
        informational: side.informationalHeaders,
        inFlight: { count: 0, max: side.maxInFlight },
        recorder,
      },
      http1: {},
      http2: serverHttp2(side.serverHttp2, families, "outbound src"),
      recorder,
      drain,
      log: logs.target("outbound"),
    });
  }

  async function exit(): Promise<never> {
    await output.flush();
    process.exit(0);
  }
}

/** Asks for certificates, from now on. */
async function startCertification(
  config: Config,
  families: Families,
  log: Log,
  certified: () => void,
): Promise<Identity> {
  const {
    dir,
    localName,
    trustAnchors,
    tokenFile,
    minRefreshMs,
    maxRefreshMs,
  } = config.identity;
  const files = await loadIdentityFiles(dir);
  const { control } = families;
  const identity: Identity = startIdentity({
    files,
    name: localName,
    anchors: trustAnchors,
    tokenFile,
    bounds: { minMs: minRefreshMs, maxMs: maxRefreshMs },
    certify: certifyWith(
      client(
        config.control.identity,
        "identity",
        () => identity.credentials,
        config,
        families,
        log,
      ),
    ),
    certified({ expiresAtMs }) {
      control.certificateExpiresAt.value = expiresAtMs / 1_000;
      control.certificateRefreshesAt.value = Date.now() / 1_000;
      certified();
    },
    refreshed: (result) =>
      (result === "ok"
        ? control.certificateRefreshed
        : control.certificateRefused).value += 1,
    random: Math.random,
    log: lines(log),
  });
  return identity;
}

/** A client of one service of the control plane. */
function client(
  service: ControlService,
  name: "identity" | "destination" | "policy",
  credentials: () => Credentials | null,
  config: Config,
  families: Families,
  log: Log,
): ControlClient {
  const { connectTimeoutMs, connect } = config.outbound;
  return openControlClient(name, service, {
    credentials,
    anchors: config.identity.trustAnchors,
    http2: clientHttp2(config, families, "control dst"),
    connectTimeoutMs,
    tcp: connect,
    log: lines(log),
    resolved: (by, result) =>
      countOne(
        families.control.dnsResolutions,
        dnsLabels(by, "A/AAAA", result),
      ),
  });
}

/** A log as the control clients know it. */
function lines(log: Log): ControlLog {
  return (level, message, fields) => log[level](message, fields);
}

function clientHttp2(
  { clientHttp2: windows }: Config,
  { http2Violations }: Families,
  side: Http2Side,
) {
  return {
    violated: countViolations(http2Violations, side),
    initialStreamWindow: windows.initialStreamWindowBytes,
    initialConnectionWindow: windows.initialConnectionWindowBytes,
  };
}

function serverHttp2(
  settings: Config["inbound"]["serverHttp2"],
  { http2Violations }: Families,
  side: Http2Side,
) {
  const { keepAlive, maxConcurrentStreams, maxHeaderListBytes } = settings;
  return {
    violated: countViolations(http2Violations, side),
    initialStreamWindow: settings.initialStreamWindowBytes,
    initialConnectionWindow: settings.initialConnectionWindowBytes,
    ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
    ...(maxHeaderListBytes === undefined ? {} : { maxHeaderListBytes }),
    ...(keepAlive === null ? {} : {
      keepAlive: {
        keepAliveIntervalMs: keepAlive.intervalMs,
        keepAliveTimeoutMs: keepAlive.timeoutMs,
      },
    }),
  };
}
