import type { Channel } from "../channel.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Lease } from "../http/http1-pool.ts";
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  ServerConnection,
} from "../http/message.ts";
import { serveHttp1 } from "../http1/server.ts";
import { serveHttp2 } from "../http2/server.ts";
import { requestHead } from "./http1.ts";
import { createMemoryChannels, type MemoryChannel } from "./memory-channel.ts";
import { RecordedRequest, RecordedResponse } from "./recorded-exchange.ts";

/** A server that can be dialled: each dial waits until the test accepts or refuses it. */
export class DialledServer {
  readonly requests: RecordedRequest[] = [];
  readonly channels: MemoryChannel[] = [];
  readonly connections: ServerConnection[] = [];
  /** Dials that wait for `accept` or `refuse`. */
  readonly dials: PromiseWithResolvers<Channel>[] = [];
  private readonly protocol: "http1" | "http2";
  private readonly maxConcurrentStreams: number;

  constructor(protocol: "http1" | "http2", maxConcurrentStreams = 100) {
    this.protocol = protocol;
    this.maxConcurrentStreams = maxConcurrentStreams;
  }

  readonly open = (): Promise<Channel> => {
    const dial = Promise.withResolvers<Channel>();
    this.dials.push(dial);
    return dial.promise;
  };

  accept(): void {
    const [near, far] = createMemoryChannels();
    const serve = this.protocol === "http1" ? serveHttp1 : serveHttp2;
    const { maxConcurrentStreams } = this;
    this.channels.push(far);
    this.connections.push(
      serve(
        far,
        { maxConcurrentStreams },
        (exchange) => void this.requests.push(new RecordedRequest(exchange)),
      ),
    );
    this.dials.shift()?.resolve(near);
  }

  /** Gives a connection that its server has closed already. */
  acceptAndClose(): void {
    const [near, far] = createMemoryChannels();
    far.attach({ data() {}, end() {}, drain() {}, close() {} });
    far.end();
    near.attach({ data() {}, end() {}, drain() {}, close() {} });
    this.dials.shift()?.resolve(near);
  }

  refuse(): void {
    this.dials.shift()?.reject(new Problem("connect.failed", "refused"));
  }
}

/** Someone who wants a connection for one request, and what came of it. */
export class TestLease implements Lease {
  readonly response = new RecordedResponse();
  stream: ClientStream | null = null;
  connection: ClientConnection | null = null;
  reused: boolean | null = null;
  problem: Problem | null = null;
  /** Times it was answered. */
  calls = 0;
  wanted = true;
  private readonly head: RequestHead;

  constructor(head: RequestHead = requestHead("GET", "/", { host: "a" })) {
    this.head = head;
  }

  use(connection: ClientConnection, reused: boolean): boolean {
    this.calls++;
    if (!this.wanted) return false;
    this.connection = connection;
    this.reused = reused;
    this.stream = connection.request(this.head, true, this.response);
    return true;
  }

  refuse(problem: Problem): void {
    this.calls++;
    this.problem = problem;
  }
}
