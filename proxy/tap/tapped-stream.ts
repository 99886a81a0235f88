import type { Channel } from "../channel.ts";
import type { Field } from "../http/field.ts";
import type {
  ClientStream,
  Reset,
  ResponseHead,
  ResponseReader,
} from "../http/message.ts";

/** What a stream tells of its request. */
interface Told {
  answered(head: ResponseHead): void;
  received(bytes: number): void;
  complete(trailers: readonly Field[]): void;
  broken(reset: Reset): void;
}

/** The stream of a request that taps show, between who reads the response and the connection. */
export class TappedStream implements ClientStream, ResponseReader {
  private readonly told: Told;
  private readonly reader: ResponseReader;
  /** Null until the connection has given it. */
  private stream: ClientStream | null = null;

  constructor(told: Told, reader: ResponseReader) {
    this.told = told;
    this.reader = reader;
  }

  open(stream: ClientStream): void {
    this.stream = stream;
  }

  responseInformational(head: ResponseHead): void {
    this.reader.responseInformational(head);
  }

  responseHead(head: ResponseHead, ended: boolean): void {
    // Before the reader edits it.
    this.told.answered(head);
    if (ended) this.told.complete([]);
    this.reader.responseHead(head, ended);
  }

  responseData(chunk: Uint8Array): boolean {
    this.told.received(chunk.length);
    return this.reader.responseData(chunk);
  }

  responseEnd(trailers: readonly Field[]): void {
    this.told.complete(trailers);
    this.reader.responseEnd(trailers);
  }

  responseReset(reset: Reset): void {
    // It may be answered in place of the endpoint.
    this.reader.responseReset(reset);
    this.told.broken(reset);
  }

  requestDrain(): void {
    this.reader.requestDrain();
  }

  data(chunk: Uint8Array): boolean {
    return this.stream?.data(chunk) ?? true;
  }

  end(trailers: readonly Field[]): void {
    this.stream?.end(trailers);
  }

  reset(reset: Reset): void {
    this.told.broken(reset);
    this.stream?.reset(reset);
  }

  pauseResponse(): void {
    this.stream?.pauseResponse();
  }

  resumeResponse(): void {
    this.stream?.resumeResponse();
  }

  upgrade(): Channel {
    if (this.stream === null) throw new TypeError("no stream to upgrade");
    this.told.complete([]);
    return this.stream.upgrade();
  }
}
