/** Body bytes of one stream that its windows do not admit yet; exists only while there are some. */
export class SendQueue {
  bytes = 0;
  private readonly chunks: Uint8Array[] = [];
  private first = 0;
  /** How much of the first chunk has been sent. */
  private sent = 0;

  /** Queues a copy of `chunk` from `from`. */
  push(chunk: Uint8Array, from: number): void {
    this.chunks.push(chunk.slice(from));
    this.bytes += chunk.length - from;
  }

  /** Takes at most `limit` bytes from the front, in one piece; they stay valid until the next call. */
  take(limit: number): Uint8Array {
    const chunk = this.chunks[this.first] ?? NOTHING;
    const piece = chunk.subarray(this.sent, this.sent + limit);
    this.sent += piece.length;
    this.bytes -= piece.length;
    if (this.sent === chunk.length) this.shift();
    return piece;
  }

  private shift(): void {
    this.chunks[this.first++] = NOTHING;
    this.sent = 0;
    if (this.first * 2 < this.chunks.length) return;
    this.chunks.splice(0, this.first);
    this.first = 0;
  }
}

const NOTHING = new Uint8Array(0);
