import { Holding } from "./holding.ts";
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
  readonly #closed: (errno: string) => Series;
  readonly #holding = new Holding();

  constructor(families: TcpFamilies, labels: string) {
    const holding = this.#holding;
    this.readBytes = holding.keep(families.readBytes.with(labels));
    this.writeBytes = holding.keep(families.writeBytes.with(labels));
    this.#opened = holding.keep(families.opened.with(labels));
    this.#open = holding.keep(families.open.with(labels));
    this.#closed = holding.by(
      families.closed,
      (errno) => joinLabels(labels, formatLabels([["errno", errno]])),
    );
  }

  /** A connection has been accepted or established. */
  opened(): void {
    this.#opened.value += 1;
    this.#open.value += 1;
  }

  /** It is over; `errno` is "" when it ended cleanly, else a name such as `ECONNRESET`. */
  closed(errno: string): void {
    this.#open.value -= 1;
    this.#closed(errno).value += 1;
  }

  release(): void {
    this.#holding.release();
  }
}
