import type { Field } from "../http/field.ts";
import type { ClientStream } from "../http/message.ts";

/**
 * A request's body on its way: what comes before there is a stream waits here (no more than a codec lets through while
 * paused), and what has been sent may be kept, in case nobody has looked at it.
 */
export class RequestBody {
  private pieces: Uint8Array[] = [];
  bytes = 0;
  private trailers: readonly Field[] | null = null;
  /** False once something is out that was not kept: it cannot be sent again. */
  whole = true;

  hold(chunk: Uint8Array): void {
    this.pieces.push(chunk.slice());
    this.bytes += chunk.length;
  }

  holdEnd(trailers: readonly Field[]): void {
    this.trailers = trailers;
  }

  /** `keep`: how many bytes of all there are may be kept. */
  pass(stream: ClientStream, chunk: Uint8Array, keep: number): boolean {
    if (this.whole) {
      if (this.bytes + chunk.length <= keep) this.hold(chunk);
      else this.forget();
    }
    return stream.data(chunk);
  }

  passEnd(
    stream: ClientStream,
    trailers: readonly Field[],
    keep: number,
  ): void {
    if (keep > 0 && this.whole) this.trailers = trailers;
    else this.forget();
    stream.end(trailers);
  }

  /** Sends what there is to a new stream; true when the source may go on at once. */
  sendOn(stream: ClientStream, keep: number): boolean {
    const { pieces, trailers } = this;
    if (keep === 0 || this.bytes > keep) this.forget();
    let open = true;
    for (const chunk of pieces) open = stream.data(chunk);
    if (trailers === null) return open;
    stream.end(trailers);
    return false;
  }

  forget(): void {
    this.whole = false;
    this.pieces = [];
    this.trailers = null;
  }
}
