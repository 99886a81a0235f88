import { formatAddress, type SocketAddress } from "../../schemas/address.ts";
import type { Channel } from "../channel.ts";
import { type Resolve, shuffle } from "../control/resolve.ts";
import { Field, Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import {
  createHttp1Pool,
  type Http1Pool,
  type Lease,
} from "../http/http1-pool.ts";
import {
  type ClientStream,
  ErrorCode,
  NO_TRAILERS,
  RequestHead,
  type Reset,
  type ResponseHead,
  type ResponseReader,
} from "../http/message.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Send, Verdict } from "./exporter.ts";

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly resolve: Resolve;
  readonly dial: (address: SocketAddress) => Promise<Channel>;
  readonly random: () => number;
  /** For one request, connection and answer included. */
  readonly timeoutMs: number;
}

const POST = Field.of(":method", "POST");
const PATH = Field.of(":path", "/v1/traces");
const FIELDS = [
  Field.of("content-type", "application/json"),
  Field.of("user-agent", "linkerd-ts-proxy"),
];
const RETRY_AFTER = Name.of("retry-after");
/** After these the same spans may be sent again (OTLP 1.9, "Retryable Response Codes"). */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** One connection, for a batch waits 10 s: it should outlast that, and not the collector's patience. */
const POOL = { maxIdle: 1, idleMs: 30_000 };
/** Of an answer nothing is wanted but its end; a longer one is not waited for. */
const MAX_ANSWER_BYTES = 65_536;

const GIVEN_UP: Reset = {
  code: ErrorCode.cancel,
  origin: "local",
  message: "the request has been given up",
};

/** OTLP over HTTP/1.1, as JSON. */
export function sendByHttp(options: HttpOptions): Send {
  const { timeoutMs } = options;
  const host = Field.of(
    "host",
    formatAddress({ ip: options.host, port: options.port }),
  );
  const pool = createHttp1Pool(() => dialAny(options), POOL);
  return async (request, signal) => {
    const asked = { host, request, timeoutMs };
    const first = await post(pool, { ...asked, fresh: false }, signal);
    // Its connection may have been closed as idle at that very moment.
    return first.kind === "later" && first.stale === true
      ? await post(pool, { ...asked, fresh: true }, signal)
      : first;
  };
}

/** Tries each address once, one at a time. */
async function dialAny(options: HttpOptions): Promise<Channel> {
  const { host, port, resolve, dial, random } = options;
  let failure = new Problem("connect.failed", `"${host}" has no address`);
  for (const ip of shuffle(await resolve(host), random)) {
    try {
      return await dial({ ip, port });
    } catch (error) {
      failure = new Problem("connect.failed", describe(error));
    }
  }
  throw failure;
}

interface Post {
  readonly host: Field;
  readonly request: Uint8Array<ArrayBuffer>;
  readonly timeoutMs: number;
  /** Over a new connection. */
  readonly fresh: boolean;
}

type Answer = Verdict & {
  /** Over a connection that had been idle, and that nothing came over any more. */
  readonly stale?: boolean;
};

function post(
  pool: Http1Pool,
  { host, request, timeoutMs, fresh }: Post,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const reader = new AnswerReader(resolve);
  const lease: Lease = {
    use(connection, reused) {
      if (reader.over) return false;
      const head = new RequestHead("1.1", POST, PATH, FIELDS);
      head.host = host;
      head.contentLength = request.length;
      reader.reused = reused;
      reader.stream = connection.request(head, false, reader);
      reader.stream.data(request);
      reader.stream.end(NO_TRAILERS);
      return true;
    },
    refuse: (problem) => reader.fail(problem.message),
  };
  const abort = () => reader.giveUp();
  const timer = setTimeout(abort, timeoutMs);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  else if (fresh) pool.acquireFresh(lease);
  else pool.acquire(lease);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  });
}

/** Waits for the end of an answer, so that its connection can be used again. */
class AnswerReader implements ResponseReader {
  stream: ClientStream | null = null;
  reused = false;
  over = false;
  private readonly tell: (answer: Answer) => void;
  private answer: Answer | null = null;
  private bytes = 0;

  constructor(tell: (answer: Answer) => void) {
    this.tell = tell;
  }

  fail(why: string): void {
    this.settle({ kind: "later", why, afterMs: null });
  }

  giveUp(): void {
    this.stream?.reset(GIVEN_UP);
    this.fail("it did not answer in time");
  }

  responseInformational(): void {}

  requestDrain(): void {}

  responseHead(head: ResponseHead, ended: boolean): void {
    this.answer = verdictOf(head);
    if (ended) this.settle(this.answer);
  }

  responseData(chunk: Uint8Array): boolean {
    this.bytes += chunk.length;
    if (this.bytes > MAX_ANSWER_BYTES && this.answer !== null) {
      this.stream?.reset(GIVEN_UP);
      this.settle(this.answer);
    }
    return true;
  }

  responseEnd(): void {
    if (this.answer !== null) this.settle(this.answer);
  }

  responseReset({ message }: Reset): void {
    const stale = this.reused && this.answer === null;
    this.settle({ kind: "later", why: message, afterMs: null, stale });
  }

  private settle(answer: Answer): void {
    this.over = true;
    this.tell(answer);
  }
}

function verdictOf(head: ResponseHead): Verdict {
  const { status } = head;
  if (status >= 200 && status < 300) return { kind: "taken" };
  const why = `it answers with status ${status}`;
  if (!PASSING.has(status)) return { kind: "refused", why };
  const after = findField(head.fields, RETRY_AFTER)?.text ?? "";
  const afterMs = /^\d{1,6}$/.test(after) ? Number(after) * 1_000 : null;
  return { kind: "later", why, afterMs };
}
