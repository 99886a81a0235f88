import { jest } from "bun:test";
import type { StreamLimits } from "../config/control.ts";
import { type Control, createControl } from "../control.ts";
import { createControlClient } from "../control/client.ts";
import { createConnector } from "../control/connector.ts";
import { createSnapshot, type Snapshot } from "../control/snapshot.ts";
import { FakeConnection, type FakeRequest } from "./fake-connection.ts";
import { createMemoryChannels } from "./memory-channel.ts";

/** No limits on control streams. */
export const UNLIMITED: StreamLimits = {
  initialTimeoutMs: undefined,
  idleTimeoutMs: undefined,
  lifetimeMs: undefined,
};

/** The control plane of a test: what was dialled, and the connections that came of it. */
export interface Bed {
  readonly control: Control;
  readonly dialled: string[];
  readonly connections: FakeConnection[];
  readonly logs: string[];
  /** Addresses of the name; none: it cannot be resolved. */
  ips: string[];
  /** Addresses that refuse connections. */
  readonly dead: Set<string>;
  last(): FakeConnection;
  request(): FakeRequest;
}

/** A control client over connections that the test answers by hand; needs fake timers. */
export function createBed(
  limits: StreamLimits = UNLIMITED,
  snapshot: Snapshot = createSnapshot({ path: null, now: Date.now, log() {} }),
): Bed {
  const connections: FakeConnection[] = [];
  const dialled: string[] = [];
  const logs: string[] = [];
  const service = {
    host: "dst.test",
    port: 8086,
    serverName: null,
    stream: limits,
  };
  const log = (_level: string, message: string): void =>
    void logs.push(message);
  const connector = createConnector({
    name: "destination",
    host: service.host,
    port: service.port,
    // deno-lint-ignore require-await
    async resolve() {
      if (bed.ips.length === 0) throw new Error("not found");
      return bed.ips;
    },
    // deno-lint-ignore require-await
    async dial({ ip }) {
      dialled.push(ip);
      if (bed.dead.has(ip)) throw new Error(`refused by ${ip}`);
      return createMemoryChannels()[0];
    },
    connect(_channel, events) {
      const connection = new FakeConnection(events);
      connections.push(connection);
      return connection;
    },
    random: () => 0,
    log,
  });
  const client = createControlClient(service, connector);
  const bed: Bed = {
    control: createControl({
      destination: client,
      policy: client,
      workload: "shop:web",
      context: "",
      snapshot,
      random: () => 0,
      log,
    }),
    dialled,
    connections,
    logs,
    ips: ["10.0.0.1"],
    dead: new Set(),
    last() {
      const connection = connections.at(-1);
      if (connection === undefined) throw new Error("no connection");
      return connection;
    },
    request() {
      const request = this.last().requests.at(-1);
      if (request === undefined) throw new Error("no request");
      return request;
    },
  };
  return bed;
}

/** Lets time pass, and what was waiting for it happen. */
export async function pass(ms: number): Promise<void> {
  await settle();
  jest.advanceTimersByTime(ms);
  await settle();
}

/** Lets promises that are due run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
