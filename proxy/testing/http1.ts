import { Field } from "../http/field.ts";
import {
  AUTHORITY,
  type ClientConnection,
  type ClientStream,
  HOST,
  METHOD,
  PATH,
  RequestHead,
  type ServerConnection,
  type Version,
} from "../http/message.ts";
import { connectHttp1 } from "../http1/client.ts";
import { type Http1ServerOptions, serveHttp1 } from "../http1/server.ts";
import {
  createMemoryChannels,
  type MemoryChannel,
  type MemoryOptions,
} from "./memory-channel.ts";
import { RecordedRequest, RecordedResponse } from "./recorded-exchange.ts";
import { Recorder } from "./recorder.ts";

/** What a test's page does with a request. */
export type Page = (request: RecordedRequest) => void;

export function answerOk(request: RecordedRequest): void {
  request.answer(200, "ok");
}

export function answerAfterEnd(request: RecordedRequest): void {
  request.afterEnd(() => answerOk(request));
}

export function neverAnswer(_request: RecordedRequest): void {}

/** The simplest request, and what `answerOk` makes of it. */
export const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
export const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

export interface StartedServer {
  /** The client's end, played by hand. */
  readonly client: Recorder;
  readonly requests: readonly RecordedRequest[];
  readonly server: ServerConnection;
  readonly near: MemoryChannel;
  readonly far: MemoryChannel;
}

/** An HTTP/1 server on a memory channel. */
export function startServer(
  page: Page = answerOk,
  options: MemoryOptions & Http1ServerOptions = {},
): StartedServer {
  const [near, far] = createMemoryChannels(options);
  const requests: RecordedRequest[] = [];
  const client = new Recorder(near);
  const server = serveHttp1(far, options, (exchange) => {
    const request = new RecordedRequest(exchange);
    requests.push(request);
    page(request);
  });
  return { client, requests, server, near, far };
}

export interface StartedClient {
  readonly connection: ClientConnection;
  /** The `ClientEvents` in order. */
  readonly events: readonly string[];
  /** The server's end, played by hand. */
  readonly server: Recorder;
  readonly near: MemoryChannel;
  readonly far: MemoryChannel;
}

/** An HTTP/1 client on a memory channel. */
export function startClient(options: MemoryOptions = {}): StartedClient {
  const [near, far] = createMemoryChannels(options);
  const events: string[] = [];
  const connection = connectHttp1(near, {
    ready: () => events.push("ready"),
    retiring: () => events.push("retiring"),
    closed: () => events.push("closed"),
  });
  return { connection, events, server: new Recorder(far), near, far };
}

/** A request head; `host` and `authority` among the fields go where they belong. */
export function requestHead(
  method: string,
  path: string,
  fields: Readonly<Record<string, string>> = {},
  version: Version = "1.1",
): RequestHead {
  const { host, authority, ...rest } = fields;
  const head = new RequestHead(
    version,
    new Field(METHOD, bytesOf(method)),
    new Field(PATH, bytesOf(path)),
    Object.entries(rest).map(([name, value]) => Field.of(name, value)),
  );
  if (host !== undefined) head.host = new Field(HOST, bytesOf(host));
  if (authority !== undefined) {
    head.authority = new Field(AUTHORITY, bytesOf(authority));
  }
  return head;
}

/** A request to change to the protocol `echo`. */
export function upgradeHead(): RequestHead {
  const head = requestHead("GET", "/", {
    host: "a",
    connection: "upgrade",
    upgrade: "echo",
  });
  head.upgrade = true;
  return head;
}

/** Sends a request without a body. */
export function send(
  connection: ClientConnection,
  head: RequestHead = requestHead("GET", "/", { host: "a" }),
): [RecordedResponse, ClientStream] {
  const response = new RecordedResponse();
  return [response, connection.request(head, true, response)];
}

/** Sends the head of a request whose body follows. */
export function sendWithBody(
  connection: ClientConnection,
  head: RequestHead,
): [RecordedResponse, ClientStream] {
  const response = new RecordedResponse();
  return [response, connection.request(head, false, response)];
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
