import { countOne } from "../record.ts";
import { formatLabels, joinLabels } from "./labels.ts";
import type { Series } from "./series.ts";
import type { TcpFamilies } from "./traffic.ts";

/**
 * The `tcp_*` metrics under one label set, held until `release`: for one connection, or for all connections of an
 * endpoint, which then share it.
 */
export class TcpRecorder {
  /** `readBytes.value += chunk.length` for bytes that came from the peer. */
  readonly readBytes: Series;
  /** Likewise for bytes sent to it. */
  readonly writeBytes: Series;
  readonly #opened: Series;
  readonly #open: Series;
  readonly #families: TcpFamilies;
  readonly #labels: string;

  constructor(families: TcpFamilies, labels: string) {
    this.#families = families;
    this.#labels = labels;
    this.readBytes = families.readBytes.with(labels);
    this.writeBytes = families.writeBytes.with(labels);
    this.#opened = families.opened.with(labels);
    this.#open = families.open.with(labels);
  }

  /** A connection has been accepted or established. */
  opened(): void {
    this.#opened.value += 1;
    this.#open.value += 1;
  }

  /** It is over; `errno` is "" when it ended cleanly, else a name such as `ECONNRESET`. */
  closed(errno: string): void {
    this.#open.value -= 1;
    countOne(
      this.#families.closed,
      joinLabels(this.#labels, formatLabels([["errno", errno]])),
    );
  }

  release(): void {
    this.readBytes.release();
    this.writeBytes.release();
    this.#opened.release();
    this.#open.release();
  }
}
