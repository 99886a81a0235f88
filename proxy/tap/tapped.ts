import type { Problem } from "../../schemas/problem.ts";
import { grpcStatusOf } from "../forward/answer.ts";
import type { Field } from "../http/field.ts";
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  Reset,
  ResponseHead,
  ResponseReader,
} from "../http/message.ts";
import { statusOf } from "../rescue.ts";
import { encodeMoment } from "../wire/tap-event.ts";
import type { Eos, StreamId, TapEvent } from "./event.ts";
import { cut, requestFields, responseFields, within } from "./fields.ts";
import type { Matched } from "./match.ts";
import { TappedStream } from "./tapped-stream.ts";
import type { Entered } from "./taps.ts";

/** A request that taps show: at each moment of it they get an event. */
export class Tapped {
  private readonly between: readonly Uint8Array[];
  private readonly grpc: boolean;
  private readonly startedMs = performance.now();
  /** Those whose buffer took the beginning. */
  private readonly entered: readonly Entered[];
  /** 0 until the response's head. */
  private answeredMs = 0;
  private bytes = 0;
  private grpcStatus: string | null = null;
  private over = false;
  /** Once it is, its stream tells how it goes. */
  private sent = false;

  constructor(
    entered: readonly Entered[],
    between: readonly Uint8Array[],
    { method, scheme, authority, path }: Matched,
    head: RequestHead,
    grpc: boolean,
  ) {
    this.between = between;
    this.grpc = grpc;
    this.entered = entered.filter(({ tap, id }) => {
      const text = { method, scheme, ...cut(authority ?? "", path) };
      const fields = tap.fields ? requestFields(head, text) : null;
      const isShown = tap.show(
        this.encode({ kind: "request-init", id, ...text, fields }),
      );
      if (!isShown) tap.leave();
      return isShown;
    });
  }

  /** Sends it. */
  request(
    connection: ClientConnection,
    head: RequestHead,
    ended: boolean,
    reader: ResponseReader,
  ): ClientStream {
    this.sent = true;
    const stream = new TappedStream(this, reader);
    stream.open(connection.request(head, ended, stream));
    return stream;
  }

  /** The response has begun. */
  answered(head: ResponseHead): void {
    if (this.over) return;
    this.answeredMs = performance.now();
    this.grpcStatus = grpcStatusOf(head.fields);
    this.tell((id, fields) => ({
      kind: "response-init",
      id,
      sinceRequestInitMs: this.answeredMs - this.startedMs,
      status: head.status,
      fields: fields ? responseFields(head) : null,
    }));
  }

  received(bytes: number): void {
    this.bytes += bytes;
  }

  /** It could not be sent, which is answered for the endpoint. */
  failed(problem: Problem): void {
    if (this.over) return;
    const { status, grpc } = statusOf(problem);
    const answered = this.answeredMs = performance.now();
    this.tell((id) => ({
      kind: "response-init",
      id,
      sinceRequestInitMs: answered - this.startedMs,
      status: this.grpc ? 200 : status,
      fields: null,
    }));
    this.end(this.grpc ? { kind: "grpc", code: grpc } : null);
  }

  /** We answer in place of the endpoint, or end a gRPC response that has begun. */
  instead(head: ResponseHead): void {
    const grpcStatus = grpcStatusOf(head.fields);
    if (this.answeredMs === 0) this.answered(head);
    else if (grpcStatus === null) return; // Its stream will be reset.
    this.end(endOf(grpcStatus));
  }

  /** The response is complete. */
  complete(trailers: readonly Field[]): void {
    const status = grpcStatusOf(trailers) ?? this.grpcStatus;
    this.end(endOf(status), trailers);
  }

  /** It will not be complete, or nobody wants it any more. */
  broken({ code }: Reset): void {
    this.end({ kind: "reset", code });
  }

  /** Nobody waits for a connection for it any more. */
  given(): void {
    if (!this.sent) this.end(null);
  }

  private end(end: Eos, trailers: readonly Field[] = []): void {
    if (this.over) return;
    this.over = true;
    const nowMs = performance.now();
    const { startedMs, answeredMs, bytes } = this;
    this.tell((id, fields) => ({
      kind: "response-end",
      id,
      sinceRequestInitMs: nowMs - startedMs,
      sinceResponseInitMs: answeredMs === 0 ? null : nowMs - answeredMs,
      bytes,
      end,
      trailers: fields ? within(trailers) : null,
    }));
    for (const { tap } of this.entered) tap.leave();
  }

  private tell(event: (id: StreamId, fields: boolean) => TapEvent): void {
    for (const { tap, id } of this.entered) {
      tap.show(this.encode(event(id, tap.fields)));
    }
  }

  private encode(event: TapEvent): Uint8Array {
    return Buffer.concat([...this.between, encodeMoment(event)]);
  }
}

function endOf(grpcStatus: string | null): Eos {
  return grpcStatus !== null && /^\d{1,9}$/.test(grpcStatus)
    ? { kind: "grpc", code: Number(grpcStatus) }
    : null;
}
