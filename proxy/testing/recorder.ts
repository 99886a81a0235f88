import type { Channel, ChannelReader } from "../channel.ts";

/** A reader that remembers everything it is told; for tests that play one end of a connection by hand. */
export class Recorder implements ChannelReader {
  readonly channel: Channel;
  text = "";
  ended = false;
  closed = false;
  /** Times `close` was called. */
  closes = 0;
  error: Error | null = null;
  drains = 0;

  constructor(channel: Channel) {
    this.channel = channel;
    channel.attach(this);
  }

  /** Writes text, one byte per character. */
  send(text: string): void {
    this.channel.write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }

  /** Resolves in the first event-loop turn in which `reached` holds; the test's own timeout is the limit. */
  async until(reached: () => boolean): Promise<void> {
    while (!reached()) await turn();
  }

  /** The text received since the last call. */
  take(): string {
    const text = this.text;
    this.text = "";
    return text;
  }

  data(chunk: Uint8Array): void {
    this.text += textOf(chunk);
  }

  end(): void {
    this.ended = true;
  }

  drain(): void {
    this.drains++;
  }

  close(error: Error | null): void {
    this.closed = true;
    this.closes++;
    this.error = error;
  }
}

/** Resolves when the present event-loop turn, and so all microtasks, are over. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One character per byte, so that nothing is lost. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
