import type { ClientConnection, ServerConnection } from "../../http/message.ts";
import {
  createMemoryChannels,
  type MemoryChannel,
  type MemoryOptions,
} from "../../testing/memory-channel.ts";
import { RecordedRequest } from "../../testing/recorded-exchange.ts";
import { connectHttp2 } from "../client.ts";
import type { Http2Options, Http2ServerOptions } from "../options.ts";
import { serveHttp2 } from "../server.ts";
import type { Violation } from "../violation.ts";
import { RawPeer } from "./raw-peer.ts";

/** What a test's page does with a request. */
export type Page = (request: RecordedRequest) => void;

export interface StartedServer {
  readonly client: RawPeer;
  readonly requests: readonly RecordedRequest[];
  readonly server: ServerConnection;
  /** Limits the client hit and rules it broke. */
  readonly violations: readonly Violation[];
  readonly near: MemoryChannel;
  readonly far: MemoryChannel;
}

/** A server on a memory channel; the client is played by hand. */
export function startServer(
  page: Page = () => {},
  options: MemoryOptions & Http2ServerOptions = {},
): StartedServer {
  const [near, far] = createMemoryChannels(options);
  const client = new RawPeer(near, false);
  const violations: Violation[] = [];
  const violated = (violation: Violation) => void violations.push(violation);
  const served = serve(far, page, { violated, ...options });
  return { client, ...served, violations, near, far };
}

export interface StartedClient {
  readonly connection: ClientConnection;
  /** The `ClientEvents` in order. */
  readonly events: string[];
  /** Limits the server hit and rules it broke. */
  readonly violations: readonly Violation[];
  readonly server: RawPeer;
  readonly near: MemoryChannel;
  readonly far: MemoryChannel;
}

/** A client on a memory channel; the server is played by hand. */
export function startClient(
  options: MemoryOptions & Http2Options = {},
): StartedClient {
  const [near, far] = createMemoryChannels(options);
  const server = new RawPeer(far, true);
  const violations: Violation[] = [];
  const violated = (violation: Violation) => void violations.push(violation);
  const connected = connect(near, { violated, ...options });
  return { ...connected, violations, server, near, far };
}

export interface StartedPair {
  readonly connection: ClientConnection;
  readonly events: string[];
  readonly requests: readonly RecordedRequest[];
  readonly server: ServerConnection;
  readonly near: MemoryChannel;
  readonly far: MemoryChannel;
}

/** A client and a server, joined. */
export function startPair(
  page: Page = () => {},
  options: MemoryOptions & Http2ServerOptions = {},
): StartedPair {
  const [near, far] = createMemoryChannels(options);
  return {
    ...serve(far, page, options),
    ...connect(near, options),
    near,
    far,
  };
}

function serve(
  channel: MemoryChannel,
  page: Page,
  options: Http2ServerOptions,
): Pick<StartedServer, "server" | "requests"> {
  const requests: RecordedRequest[] = [];
  const server = serveHttp2(channel, options, (exchange) => {
    const request = new RecordedRequest(exchange);
    requests.push(request);
    page(request);
  });
  return { server, requests };
}

function connect(
  channel: MemoryChannel,
  options: Http2Options,
): Pick<StartedClient, "connection" | "events"> {
  const events: string[] = [];
  const connection = connectHttp2(channel, options, {
    ready: () => events.push("ready"),
    retiring: () => events.push("retiring"),
    closed: (error) => events.push(`closed ${error?.message ?? ""}`.trim()),
  });
  return { connection, events };
}
