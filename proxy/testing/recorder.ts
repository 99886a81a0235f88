import type { Channel, ChannelReader } from "../channel.ts";

/** A reader that remembers everything it is told; for tests that play one end of a connection by hand. */
export class Recorder implements ChannelReader {
  readonly channel: Channel;
  text = "";
  ended = false;
  closed = false;
  error: Error | null = null;
  drains = 0;
  private waiting: (() => void)[] = [];

  constructor(channel: Channel) {
    this.channel = channel;
    channel.attach(this);
  }

  /** Writes text, one byte per character. */
  send(text: string): void {
    this.channel.write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }

  /** Resolves once `reached` holds; the test's own timeout is the limit. */
  async until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** The text received since the last call. */
  take(): string {
    const text = this.text;
    this.text = "";
    return text;
  }

  data(chunk: Uint8Array): void {
    this.text += decoder.decode(chunk);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  drain(): void {
    this.drains++;
    this.wake();
  }

  close(error: Error | null): void {
    this.closed = true;
    this.error = error;
    this.wake();
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

const decoder = new TextDecoder("latin1");
