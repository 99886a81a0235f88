import { MAX_HELD_BYTES } from "./limits.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { DEFAULT_WINDOW_BYTES } from "./frames.ts";
import { ReceiveWindow } from "./window.ts";

/**
 * The receiving window of a whole connection. It is credited as bytes arrive, whoever reads them or not, so that one slow
 * reader does not stall the others: memory is bounded by the streams' windows, and by `MAX_HELD_BYTES` over all of them.
 */
export class Intake {
  private readonly window: ReceiveWindow;
  private readonly writer: FrameWriter;
  private readonly size: number;
  /** Hears when paused readers hold too much. */
  private readonly full: () => void;
  /** Bytes in the hands of paused readers. */
  private held = 0;
  /** Bytes that arrived and are not credited because too much is held. */
  private withheld = 0;

  constructor(writer: FrameWriter, size: number, full: () => void) {
    this.writer = writer;
    this.full = full;
    this.size = Math.max(size, DEFAULT_WINDOW_BYTES);
    this.window = new ReceiveWindow(this.size);
  }

  /** Tells the peer how much more than the default it may send. */
  open(): void {
    const more = this.size - DEFAULT_WINDOW_BYTES;
    if (more > 0) this.writer.windowUpdate(0, more);
  }

  /** Counts a DATA frame; false when the peer had no right to send it. */
  take(bytes: number): boolean {
    if (!this.window.take(bytes)) return false;
    if (this.held > MAX_HELD_BYTES) this.withheld += bytes;
    else this.credit(bytes);
    return true;
  }

  /** A paused reader was given bytes, or (negative) has released them. */
  hold(bytes: number): void {
    const before = this.held;
    this.held += bytes;
    if (before <= MAX_HELD_BYTES && this.held > MAX_HELD_BYTES) {
      this.full();
    }
    if (this.withheld === 0 || this.held > MAX_HELD_BYTES) return;
    const { withheld } = this;
    this.withheld = 0;
    this.credit(withheld);
  }

  private credit(bytes: number): void {
    const increment = this.window.credit(bytes);
    if (increment > 0) this.writer.windowUpdate(0, increment);
  }
}
