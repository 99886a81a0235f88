import type { ControlService } from "../config/control.ts";
import type { GrpcStatus } from "../grpc/status.ts";
import { formatAddress } from "../../schemas/address.ts";
import { balancerSeries } from "../record/balancer.ts";
import { classify } from "../record/classify.ts";
import {
  controlAddressLabel,
  type ControlFamilies,
  controlLabels,
} from "../record/control.ts";
import { HttpRecorder } from "../record/http.ts";
import type { ControlClient } from "./client.ts";
import type { ConnectorOptions, ServiceName } from "./connector.ts";

/** Counts what a client of a service does: its calls, and its connections as a balancer counts endpoints. */
export interface ControlMeters {
  /** The same connector, counted. */
  connector(options: ConnectorOptions): ConnectorOptions;
  /** The same client, counted. */
  client(client: ControlClient): ControlClient;
}

/** Families of balancers by service. */
const BALANCERS = {
  identity: "identityBalancer",
  destination: "destinationBalancer",
  policy: "policyBalancer",
  trace_collector: "collectorBalancer",
} as const;

/** The series are held for as long as the process lives: there are four services at most. */
export function meterService(
  families: ControlFamilies,
  name: ServiceName,
  { host, port, serverName }: Pick<
    ControlService,
    "host" | "port" | "serverName"
  >,
): ControlMeters {
  const address = formatAddress({ ip: host, port });
  const requests = new HttpRecorder(
    families.http,
    controlLabels(
      address,
      serverName === null
        ? { kind: "none", reason: "loopback" }
        : { kind: "dialled", serverId: serverName },
    ),
  );
  const pool = balancerSeries(
    families[BALANCERS[name]],
    controlAddressLabel(address),
  );
  // Calls wait for as long as it takes (decision 41): nothing fails fast.
  pool.gateTimeout.value = Infinity;
  let known: ReadonlySet<string> = new Set();
  let isOpen = true;

  function setKnown(ips: ReadonlySet<string>): void {
    pool.adds.value += ips.difference(known).size;
    pool.removes.value += known.difference(ips).size;
    pool.known.value = ips.size;
    known = ips;
    settle();
  }

  /** Addresses that are connected to, and the others. */
  function settle(): void {
    pool.pending.value = Math.max(0, known.size - pool.ready.value);
  }

  function gate(open: boolean): void {
    if (open === isOpen) return;
    isOpen = open;
    (open ? pool.gateOpened : pool.gateShut).value += 1;
    (open ? pool.gateOpenedAt : pool.gateShutAt).value = Date.now() / 1_000;
  }

  /** Whatever fails before a connection is there shuts the gate. */
  async function whileShut<T>(attempt: Promise<T>): Promise<T> {
    try {
      return await attempt;
    } catch (error) {
      if (pool.ready.value === 0) gate(false);
      throw error;
    }
  }

  return {
    connector: (options) => ({
      ...options,
      async resolve(asked) {
        const ips = await whileShut(options.resolve(asked));
        setKnown(new Set(ips));
        return ips;
      },
      dial: (to) => whileShut(options.dial(to)),
      connect(channel, events) {
        let isReady = false;
        const count = (ready: boolean) => {
          if (ready === isReady) return;
          isReady = ready;
          pool.ready.value += ready ? 1 : -1;
          if (ready) gate(true);
          settle();
        };
        const connection = options.connect(channel, {
          ready() {
            count(true);
            events.ready();
          },
          retiring() {
            count(false);
            events.retiring();
          },
          closed(error) {
            count(false);
            events.closed(error);
          },
        });
        count(connection.ready);
        return connection;
      },
    }),
    client: (client) => ({
      ...client,
      start(path, request, reader) {
        const askedMs = performance.now();
        let sentMs: number | null = null;
        let isAnswered = false;
        let isOver = false;
        pool.queueRequests.value += 1;
        pool.queueLength.value += 1;
        const leaveQueue = () => {
          if (sentMs !== null) return;
          pool.queueLength.value -= 1;
          sentMs = performance.now();
          pool.queueSeconds.observe((sentMs - askedMs) / 1_000);
        };
        const answered = () => {
          if (isAnswered || sentMs === null) return;
          isAnswered = true;
          requests.latency(OK).observe(performance.now() - sentMs);
        };
        const finish = (status: GrpcStatus | null) => {
          if (isOver) return;
          isOver = true;
          const wasSent = sentMs !== null;
          leaveQueue();
          if (!wasSent) return;
          answered();
          requests.response(OK, verdictOf(status));
        };
        const call = client.start(path, request, {
          begun() {
            leaveQueue();
            requests.requests.value += 1;
            reader.begun();
          },
          message(bytes) {
            answered();
            reader.message(bytes);
          },
          end(status) {
            finish(status);
            reader.end(status);
          },
        });
        return {
          cancel() {
            finish(null);
            call.cancel();
          },
        };
      },
    }),
  };
}

/** The HTTP status of what is answered in gRPC. */
const OK = 200;

/** null: the caller has given up; what the service would have said is not known. */
function verdictOf(status: GrpcStatus | null) {
  const grpcStatus = status === null ? null : String(status.code);
  return classify({ grpc: true, status: OK, grpcStatus, error: null });
}
