import type { SocketAddress } from "../../schemas/address.ts";
import { describe } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import type { ClientConnection, ClientEvents } from "../http/message.ts";
import { createBackOff } from "./back-off.ts";
import { type Resolve, shuffle } from "./resolve.ts";

/** The services that a proxy uses, as metrics and logs call them. */
export type ServiceName =
  | "identity"
  | "destination"
  | "policy"
  | "trace_collector";

/** One line of the proxy's log. */
export type Log = (
  level: "info" | "warn",
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void;

/** What the connector needs of the world. */
export interface ConnectorOptions {
  readonly name: ServiceName;
  /** A name is resolved anew for each connection. */
  readonly host: string;
  readonly port: number;
  readonly resolve: Resolve;
  /** Opens a byte stream, secured as the address demands. */
  readonly dial: (address: SocketAddress) => Promise<Channel>;
  /** Speaks HTTP/2 on it. */
  readonly connect: (
    channel: Channel,
    events: ClientEvents,
  ) => ClientConnection;
  readonly random: () => number;
  readonly log: Log;
}

/** Keeps a connection to one service whenever somebody wants one. */
export interface Connector {
  /** Hands a connection that takes a call to `use`, now or later; the function returned takes the wish back. */
  whenReady(use: (connection: ClientConnection) => void): () => void;
  /** How many wait for a connection. */
  readonly waiting: number;
  /** Closes what is open once its calls are done; the next wish opens anew. */
  release(): void;
  close(): void;
}

/** Connections when the server limits streams: the usual limits are 100 to 200, so 8 carry 800 watches and more. */
const MAX_CONNECTIONS = 8;
/** A connection that lasted this long was a good one: the next failure starts from the shortest delay. */
const STABLE_MS = 10_000;

export function createConnector(options: ConnectorOptions): Connector {
  const { name, host, port, log } = options;
  const wishes = new Set<(connection: ClientConnection) => void>();
  /** All that are not closed, and those among them that may still take calls. */
  const alive = new Set<ClientConnection>();
  const usable = new Set<ClientConnection>();
  const backOff = createBackOff(options.random);
  let delayMs = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** True from the decision to dial until the connection is ready, or has failed. */
  let connecting = false;
  let closed = false;

  function serve(): void {
    for (const wish of wishes) {
      const connection = findReady();
      if (connection === undefined) break;
      wishes.delete(wish);
      wish(connection);
    }
    if (wishes.size > 0) dialSoon();
  }

  function findReady(): ClientConnection | undefined {
    for (const connection of usable) if (connection.ready) return connection;
    return undefined;
  }

  function dialSoon(): void {
    if (connecting || closed || usable.size >= MAX_CONNECTIONS) return;
    connecting = true;
    timer = setTimeout(() => {
      timer = null;
      void open();
    }, delayMs);
  }

  async function open(): Promise<void> {
    if (wishes.size === 0) {
      connecting = false;
      return;
    }
    try {
      const channel = await dialAny();
      if (closed) channel.destroy();
      else adopt(channel);
    } catch (error) {
      delayMs = backOff.next();
      connecting = false;
      log("warn", `Cannot reach ${name}: ${describe(error)}`, {
        retryInMs: Math.round(delayMs),
      });
      if (!closed && wishes.size > 0) dialSoon();
    }
  }

  /** Tries each address once, one at a time. */
  async function dialAny(): Promise<Channel> {
    const ips = await options.resolve(host);
    let failure: unknown = new Error(`"${host}" has no address`);
    for (const ip of shuffle(ips, options.random)) {
      try {
        return await options.dial({ ip, port });
      } catch (error) {
        failure = error;
      }
      if (closed) break;
    }
    throw failure;
  }

  function adopt(channel: Channel): void {
    const startedMs = performance.now();
    let opening = true;
    const opened = (): void => {
      if (opening) connecting = false;
      opening = false;
    };
    const leave = (): void => {
      if (!usable.delete(connection)) return;
      opened();
      if (performance.now() - startedMs > STABLE_MS) backOff.reset();
      delayMs = backOff.next();
      if (wishes.size > 0) dialSoon();
    };
    const connection = options.connect(channel, {
      ready() {
        opened();
        serve();
      },
      retiring: leave,
      closed(error) {
        alive.delete(connection);
        if (usable.has(connection) && error !== null) {
          log("warn", `Lost connection to ${name}: ${error.message}`, {
            address: channel.remote.ip,
          });
        }
        leave();
      },
    });
    alive.add(connection);
    usable.add(connection);
    if (connection.ready) {
      opened();
      serve();
    }
  }

  return {
    whenReady(use) {
      wishes.add(use);
      serve();
      return () => wishes.delete(use);
    },
    get waiting() {
      return wishes.size;
    },
    release() {
      delayMs = 0;
      const idle = [...usable];
      usable.clear();
      for (const connection of idle) connection.drain();
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      wishes.clear();
      for (const connection of alive) connection.destroy();
    },
  };
}
