import { frameMessage } from "../grpc/frames.ts";
import type { ObserveRequest } from "../wire/tap.ts";
import { isMatch, type Matched } from "./match.ts";
import type { StreamId } from "./event.ts";

/** Events that wait for a slow reader, as in Linkerd; and bytes, for an event may be large. What comes then is dropped. */
export const MAX_WAITING_EVENTS = 400;
export const MAX_WAITING_BYTES = 524_288;

/**
 * How long events wait for others: nobody sees the difference, and a write on a TLS connection that was sniffed costs more
 * than what it says (decision 168).
 */
export const GATHER_MS = 20;
/** So many do not wait. */
const MAX_GATHERED_EVENTS = 60;

/** Who watches. */
export interface Watcher {
  /** Takes messages in their frames; false: enough, until `resume`. */
  event(frames: Uint8Array): boolean;
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
  private gathering: ReturnType<typeof setTimeout> | null = null;
  private readonly gatherMs: number;
  private paused = false;
  private over = false;

  constructor(
    request: ObserveRequest,
    base: number,
    watcher: Watcher,
    gatherMs: number,
  ) {
    this.gatherMs = gatherMs;
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
    const bytes = this.waitingBytes + frame.length;
    if (
      this.waiting.length >= MAX_WAITING_EVENTS || bytes > MAX_WAITING_BYTES
    ) {
      this.dropped += 1;
      return false;
    }
    this.waiting.push(frame);
    this.waitingBytes = bytes;
    if (this.paused) return true;
    if (this.gatherMs === 0 || this.waiting.length >= MAX_GATHERED_EVENTS) {
      this.deliver();
    } else {
      this.gathering ??= setTimeout(() => this.deliver(), this.gatherMs);
    }
    return true;
  }

  /** The reader has caught up. */
  resume(): void {
    this.paused = false;
    this.deliver();
    this.finish();
  }

  /** Shows nothing more. */
  end(): void {
    this.over = true;
    this.stopGathering();
    this.waiting = [];
    this.waitingBytes = 0;
  }

  private deliver(): void {
    this.stopGathering();
    while (!this.paused && this.waiting.length > 0) {
      const frames = Buffer.concat(
        this.waiting.splice(0, MAX_GATHERED_EVENTS),
      );
      this.waitingBytes -= frames.length;
      this.paused = !this.watcher.event(frames);
    }
  }

  private stopGathering(): void {
    if (this.gathering !== null) clearTimeout(this.gathering);
    this.gathering = null;
  }

  private finish(): void {
    if (this.over || this.wantsMore || this.open > 0) return;
    this.deliver();
    if (this.waiting.length > 0) return;
    this.end();
    this.watcher.finished();
  }
}
