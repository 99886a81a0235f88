import { frameMessage } from "../grpc/frames.ts";
import type { ObserveRequest } from "../wire/tap.ts";
import { isMatch, type Matched } from "./match.ts";
import type { StreamId } from "./event.ts";

/** Events that wait for a slow reader, as in Linkerd; and bytes, for an event may be large. What comes then is dropped. */
export const MAX_WAITING_EVENTS = 400;
export const MAX_WAITING_BYTES = 524_288;

/** Who watches. */
export interface Watcher {
  /** Takes a message in its frame; false: enough, until `resume`. */
  event(frame: Uint8Array): boolean;
  /** All requests that were wanted have been shown. */
  finished(): void;
}

/** One `Observe`: which requests it shows, and what waits to be read. */
export class Tap {
  readonly fields: boolean;
  /** Events that were lost, as nobody read them. */
  dropped = 0;
  /** Requests shown. */
  shown = 0;
  private readonly request: ObserveRequest;
  private readonly base: number;
  private readonly watcher: Watcher;
  /** Requests shown that are under way. */
  private open = 0;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private paused = false;
  private over = false;

  constructor(request: ObserveRequest, base: number, watcher: Watcher) {
    this.request = request;
    this.fields = request.fields;
    this.base = base;
    this.watcher = watcher;
  }

  get wantsMore(): boolean {
    return !this.over && this.shown < this.request.limit;
  }

  isFor(request: Matched): boolean {
    return isMatch(this.request.match, request);
  }

  /** Another request is shown; `leave` must follow. */
  enter(): StreamId {
    this.open += 1;
    return { base: this.base, stream: this.shown++ };
  }

  /** A request that was shown is over. */
  leave(): void {
    this.open -= 1;
    this.finish();
  }

  /** Shows an event; false: it was dropped. */
  show(message: Uint8Array): boolean {
    if (this.over) return false;
    const frame = frameMessage(message);
    if (!this.paused) {
      this.paused = !this.watcher.event(frame);
      return true;
    }
    const bytes = this.waitingBytes + frame.length;
    if (
      this.waiting.length >= MAX_WAITING_EVENTS || bytes > MAX_WAITING_BYTES
    ) {
      this.dropped += 1;
      return false;
    }
    this.waiting.push(frame);
    this.waitingBytes = bytes;
    return true;
  }

  /** The reader has caught up. */
  resume(): void {
    this.paused = false;
    let read = 0;
    while (!this.paused && !this.over && read < this.waiting.length) {
      const frame = this.waiting[read++];
      if (frame === undefined) break;
      this.waitingBytes -= frame.length;
      this.paused = !this.watcher.event(frame);
    }
    this.waiting = this.waiting.slice(read);
    this.finish();
  }

  /** Shows nothing more. */
  end(): void {
    this.over = true;
    this.waiting = [];
    this.waitingBytes = 0;
  }

  private finish(): void {
    const isDone = !this.over && !this.wantsMore && this.open === 0 &&
      this.waiting.length === 0;
    if (!isDone) return;
    this.end();
    this.watcher.finished();
  }
}
