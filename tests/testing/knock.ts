import type { Pod } from "../../demo/bed/pod.ts";
import type { Channel } from "../../proxy/channel.ts";
import { dial } from "../../proxy/connect.ts";
import type {
  ClientConnection,
  RequestHead,
} from "../../proxy/http/message.ts";
import { connectHttp1 } from "../../proxy/http1/client.ts";
import { connectHttp2 } from "../../proxy/http2/client.ts";
import type { SocketChannel } from "../../proxy/socket.ts";
import { requestHead } from "../../proxy/testing/http1.ts";
import { RecordedResponse } from "../../proxy/testing/recorded-exchange.ts";
import { Recorder, turn } from "../../proxy/testing/recorder.ts";
import type { Credentials } from "../../proxy/tls.ts";
import { writeTransportHeader } from "../../proxy/wire/transport-header.ts";
import { PORTS } from "../../schemas/names.ts";
import { inPod } from "./in-pod.ts";

/** Who asks: from which pod's network, and with which identity if any. */
export interface Knocker {
  readonly from: Pick<Pod, "netns">;
  readonly credentials: Credentials | null;
}

/** A port of a meshed pod, and what its proxy is called. */
export interface Door {
  readonly ip: string;
  readonly port: number;
  readonly name: string;
}

export const PROTOCOLS = ["HTTP/1", "HTTP/2", "gRPC", "TCP"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** A connection to the application's port: as another proxy makes it for those with an identity, else as it is. */
export async function approach(
  { from, credentials }: Knocker,
  { ip, port, name }: Door,
  session: "http1" | "http2" | null,
): Promise<SocketChannel> {
  const tcp = {};
  if (credentials === null) {
    return await inPod(
      from,
      () => dial({ ip, port }, { timeoutMs: 10_000, tcp, tls: null }),
    );
  }
  const peer = { id: name, kind: "dns", serverName: name } as const;
  const tls = { credentials, peer, transportHeader: true };
  const channel = await inPod(
    from,
    () => dial({ ip, port: PORTS.inbound }, { timeoutMs: 10_000, tcp, tls }),
  );
  writeTransportHeader(channel.out, { port, name: "", session });
  channel.flush();
  return channel;
}

/** An HTTP connection on which one request after the other can be made. */
export interface HttpClient {
  ask(head: RequestHead): Promise<RecordedResponse>;
  readonly connection: ClientConnection;
  close(): void;
}

export async function openHttp(
  knocker: Knocker,
  door: Door,
  version: "1.1" | "2",
): Promise<HttpClient> {
  const session = version === "2" ? "http2" : "http1";
  return speakHttp(await approach(knocker, door, session), version);
}

/** Makes requests on a connection. */
export function speakHttp(channel: Channel, version: "1.1" | "2"): HttpClient {
  const events = { ready() {}, retiring() {}, closed() {} };
  const connection = version === "2"
    ? connectHttp2(channel, {}, events)
    : connectHttp1(channel, events);
  return {
    connection,
    async ask(head) {
      const response = new RecordedResponse();
      while (!connection.ready && !connection.closed) await turn();
      if (connection.closed) return response;
      connection.request(head, true, response);
      while (!response.ended && response.reset === null) await turn();
      return response;
    },
    close: () => connection.destroy(),
  };
}

/** What comes of one request, or of one word: a status, `grpc 7`, `echo`, or `closed`. */
export async function knock(
  knocker: Knocker,
  door: Door,
  protocol: Protocol,
  path = "/a",
): Promise<string> {
  if (protocol === "TCP") return await knockBytes(knocker, door);
  const version = protocol === "HTTP/1" ? "1.1" : "2";
  const client = await openHttp(knocker, door, version);
  const response = await client.ask(headFor(protocol, path));
  client.close();
  if (response.reset !== null || response.status === 0) return "closed";
  const grpc = response.fields.find((line) => line.startsWith("grpc-status: "));
  return grpc === undefined
    ? String(response.status)
    : `grpc ${grpc.slice("grpc-status: ".length)}`;
}

function headFor(
  protocol: Exclude<Protocol, "TCP">,
  path: string,
): RequestHead {
  switch (protocol) {
    case "HTTP/1":
      return requestHead("GET", path, { host: "web" });
    case "HTTP/2":
      return requestHead("GET", path, { authority: "web" }, "2");
    case "gRPC":
      return requestHead("POST", path, {
        authority: "web",
        "content-type": "application/grpc",
        te: "trailers",
      }, "2");
  }
}

async function knockBytes(knocker: Knocker, door: Door): Promise<string> {
  const recorder = new Recorder(await approach(knocker, door, null));
  recorder.send("hello\n");
  await recorder.until(() => recorder.text !== "" || recorder.closed);
  recorder.channel.destroy();
  return recorder.text === "" ? "closed" : "echo";
}

/** What `knock` says when the door is open, and when policy keeps it shut. */
export function expectedOf(protocol: Protocol, permitted: boolean): string {
  switch (protocol) {
    case "HTTP/1":
    case "HTTP/2":
      return permitted ? "200" : "403";
    case "gRPC":
      return permitted ? "grpc 0" : "grpc 7";
    case "TCP":
      return permitted ? "echo" : "closed";
  }
}
