/** The receiving side of one flow-control window (RFC 9113 5.2): what the peer may still send, and what we owe it. */
export class ReceiveWindow {
  private readonly size: number;
  private left: number;
  private owed = 0;

  /** `size` is what the peer was promised; `left` differs while it may not know yet. */
  constructor(size: number, left: number = size) {
    this.size = size;
    this.left = left;
  }

  /** Counts bytes that arrived; false when the peer had no right to send them. */
  take(bytes: number): boolean {
    this.left -= bytes;
    return this.left >= 0;
  }

  /**
   * Counts bytes that were accepted, and returns the increment to announce now: nothing until half the window is owed, so
   * that updates are few (0 means none).
   */
  credit(bytes: number): number {
    this.owed += bytes;
    if (this.owed * 2 < this.size) return 0;
    const due = this.owed;
    this.owed = 0;
    this.left += due;
    return due;
  }
}
