import type { Field } from "../http/field.ts";
import type { ClientStream } from "../http/message.ts";

/** What of a request's body came before there was a stream for it: no more than a codec lets through while paused. */
export class UnsentBody {
  private chunks: Uint8Array[] = [];
  private trailers: readonly Field[] | null = null;

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk.slice());
  }

  end(trailers: readonly Field[]): void {
    this.trailers = trailers;
  }

  /** Sends all of it; true when the source may go on at once. */
  sendOn(stream: ClientStream): boolean {
    let open = true;
    for (const chunk of this.chunks) open = stream.data(chunk);
    if (this.trailers === null) return open;
    stream.end(this.trailers);
    return false;
  }
}
