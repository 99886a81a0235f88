import { Problem } from "../../schemas/problem.ts";
import { isLoopback } from "../admin/loopback.ts";
import type { Caller } from "../authorize.ts";
import { FrameReader } from "../grpc/frames.ts";
import { GrpcError, StatusCode, statusFields } from "../grpc/status.ts";
import { Field } from "../http/field.ts";
import {
  type ClientStream,
  type RequestHead,
  ResponseHead,
  type ResponseReader,
} from "../http/message.ts";
import type { Applications } from "../inbound/apps.ts";
import { createInsideApps } from "../inside/apps.ts";
import type { Log } from "../log.ts";
import { isGrpc } from "../rescue.ts";
import { decodeObserveRequest } from "../wire/tap.ts";
import type { Tap, Watcher } from "./tap.ts";
import { MAX_TAPS, type Taps } from "./taps.ts";

export interface ObserveOptions {
  readonly taps: Taps;
  /** Who may ask, beside whoever is in this pod. */
  readonly client: string;
  /** Hears how many events were dropped, as their reader was too slow. */
  readonly dropped: (events: number) => void;
  readonly log: Log;
}

const OBSERVE = "/io.linkerd.proxy.tap.Tap/Observe";
const GRPC = Field.of("content-type", "application/grpc");
/** Bytes of a request; one with as many matches as there may be has some 60 KiB. */
const MAX_REQUEST_BYTES = 131_072;

const NOT_HTTP = new Problem(
  "protocol.invalid",
  "the tap port takes gRPC only",
);

/** The gRPC service of the tap port; `close` ends what is being watched, and lets nobody begin. */
export function createObserveApps(
  options: ObserveOptions,
): { readonly apps: Applications; close(): void } {
  const calls = new Set<Call>();
  const refused = options.log.limited(LINES_PER_SECOND);
  let closed = false;

  function begin(
    head: RequestHead,
    ended: boolean,
    reader: ResponseReader,
    caller: Caller,
  ): ClientStream {
    const call = new Call(reader, options, () => void calls.delete(call));
    calls.add(call);
    if (!isGrpc(head)) call.refuse(415);
    else if (head.path.text !== OBSERVE) {
      call.fail(StatusCode.unimplemented, "expected Tap/Observe");
    } else if (!mayTap(caller, options.client)) {
      refused("unauthorized", "Unauthorized client asks for a tap", {
        client: caller.ip,
        identity: caller.tls?.id ?? "",
      });
      call.fail(StatusCode.unauthenticated, "Unauthorized client");
    } else if (closed) call.fail(StatusCode.unavailable, ENDING);
    else if (ended) call.end();
    return call;
  }

  return {
    apps: createInsideApps(begin, NOT_HTTP),
    close() {
      closed = true;
      for (const call of [...calls]) call.fail(StatusCode.unavailable, ENDING);
    },
  };
}

/** Any client can cause them. */
const LINES_PER_SECOND = 5;
const ENDING = "this proxy is shutting down";

function mayTap({ ip, tls }: Caller, client: string): boolean {
  return tls?.id === client || isLoopback(ip);
}

/** One call of `Observe`. */
class Call implements ClientStream, Watcher {
  private readonly reader: ResponseReader;
  private readonly options: ObserveOptions;
  private readonly over: () => void;
  private readonly frames = new FrameReader();
  private requestBytes = 0;
  /** The request, once it has come. */
  private request: Uint8Array | null = null;
  private tap: Tap | null = null;
  /** Whether the head of the response has been sent. */
  private answering = false;
  private ended = false;

  constructor(
    reader: ResponseReader,
    options: ObserveOptions,
    over: () => void,
  ) {
    this.reader = reader;
    this.options = options;
    this.over = over;
  }

  data(chunk: Uint8Array): boolean {
    if (this.ended) return true;
    this.requestBytes += chunk.length;
    if (this.requestBytes > MAX_REQUEST_BYTES) {
      this.fail(StatusCode.resourceExhausted, "the request is too long");
      return true;
    }
    this.attempt(() => {
      this.frames.push(chunk, (message) => {
        if (this.request !== null) {
          throw new GrpcError(StatusCode.invalidArgument, "one request only");
        }
        this.request = message.slice();
      });
    });
    return true;
  }

  end(): void {
    this.attempt(() => {
      const { request, options } = this;
      if (request === null || !this.frames.atBoundary) {
        throw new GrpcError(StatusCode.invalidArgument, "found no request");
      }
      this.tap = options.taps.open(decodeObserveRequest(request), this);
      this.request = null;
      if (this.tap === null) {
        throw new GrpcError(
          StatusCode.resourceExhausted,
          `there are ${MAX_TAPS} taps already`,
        );
      }
      this.answering = true;
      this.reader.responseHead(new ResponseHead("2", 200, [GRPC]), false);
    });
  }

  /** The client has gone. */
  reset(): void {
    this.close();
  }

  event(frames: Uint8Array): boolean {
    return this.ended || this.reader.responseData(frames);
  }

  finished(): void {
    this.fail(StatusCode.ok, "");
  }

  pauseResponse(): void {}

  resumeResponse(): void {
    this.tap?.resume();
  }

  upgrade(): never {
    throw NOT_HTTP;
  }

  /** Ends the call with a status of gRPC. */
  fail(code: number, message: string): void {
    if (this.ended) return;
    this.close();
    const fields = statusFields({ code, message });
    if (this.answering) return this.reader.responseEnd(fields);
    const head = new ResponseHead("2", 200, [GRPC, ...fields], 0);
    this.reader.responseHead(head, true);
  }

  /** For who does not speak gRPC. */
  refuse(status: number): void {
    this.close();
    this.reader.responseHead(new ResponseHead("2", status, [], 0), true);
  }

  private attempt(act: () => void): void {
    if (this.ended) return;
    try {
      act();
    } catch (thrown) {
      if (thrown instanceof GrpcError) this.fail(thrown.code, thrown.message);
      else if (thrown instanceof Problem) {
        this.fail(StatusCode.invalidArgument, thrown.message);
      } else throw thrown;
    }
  }

  private close(): void {
    if (this.ended) return;
    this.ended = true;
    this.over();
    const { tap } = this;
    if (tap === null) return;
    this.options.taps.close(tap);
    if (tap.dropped === 0) return;
    this.options.dropped(tap.dropped);
    this.options.log.info("Tap was too slow to get all events", {
      requests: tap.shown,
      dropped: tap.dropped,
    });
  }
}
