import { createBackOff } from "../control/back-off.ts";
import type { Fields } from "../log.ts";
import type { Encoding } from "./encoding.ts";
import type { Attributes, Span } from "./span.ts";

/** What a collector made of a request: it has the spans; it will never take them; it may take them later. */
export type Verdict =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly why: string }
  | {
    readonly kind: "later";
    readonly why: string;
    /** When it wants to be asked again; null: whenever we like. */
    readonly afterMs: number | null;
  };

/** Carries one request to the collector. Never rejects; gives up when `signal` aborts. */
export type Send = (
  request: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
) => Promise<Verdict>;

/** Counts what becomes of spans. */
export interface ExportRecorder {
  requested(): void;
  exported(spans: number): void;
  dropped(spans: number, reason: DropReason): void;
}

/** No room for them while others are being sent; the collector did not want them; it could not be reached for too long. */
export type DropReason = "queue_full" | "refused" | "unreachable";

export interface ExporterOptions {
  readonly encoding: Encoding;
  readonly send: Send;
  readonly resource: Attributes;
  readonly recorder: ExportRecorder;
  readonly random: () => number;
  /** Its address, for the log. */
  readonly collector: string;
  /** A collector that fails is said once, and so that it takes spans again. */
  readonly log: {
    warn(message: string, fields: Fields): void;
    info(message: string, fields: Fields): void;
  };
}

/** Sends spans to a collector, in batches. */
export interface Exporter {
  /** Takes a span; never waits, and never fails. */
  ended(span: Span): void;
  /** Sends what there is, as far as `withinMs` suffices; what ends later is dropped. */
  close(withinMs: number): Promise<void>;
}

/** Spans sent at once, and how long one may wait for others (Linkerd's, facts 6.11). */
const MAX_BATCH_SPANS = 1_000;
const MAX_BATCH_MS = 10_000;
/**
 * Bytes of a batch, some 900 to a span. There are at most two: one that is being sent, and one that gathers; so traces
 * take no more than 2 MiB, and a request stays below the 4 MiB that gRPC servers take.
 */
const MAX_BATCH_BYTES = 1_048_576;
/** After so long without success a batch is given up for the next: what is newer is worth more. */
const MAX_RETRYING_MS = 60_000;
/** The longest wait that a collector may ask for. */
const MAX_PAUSE_MS = 30_000;

export function createExporter(options: ExporterOptions): Exporter {
  const { encoding, resource, recorder, collector, log } = options;
  const backOff = createBackOff(options.random);
  const stopping = new AbortController();
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let sending: Promise<void> | null = null;
  let failing = false;

  const isFull = () =>
    gathered.length >= MAX_BATCH_SPANS || bytes >= MAX_BATCH_BYTES;

  /** Begins to send what there is, unless something is being sent: then that goes on with it. */
  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (sending !== null || gathered.length === 0) return;
    const batch = gathered;
    gathered = [];
    bytes = 0;
    sending = deliver(batch).then(() => {
      sending = null;
      if (isFull()) flush();
      else if (gathered.length > 0) timer ??= setTimeout(flush, MAX_BATCH_MS);
    });
  }

  async function deliver(batch: readonly Uint8Array[]): Promise<void> {
    const request = encoding.request(resource, batch);
    const untilMs = performance.now() + MAX_RETRYING_MS;
    while (!stopping.signal.aborted) {
      recorder.requested();
      const verdict = await options.send(request, stopping.signal);
      if (verdict.kind === "taken") {
        recorder.exported(batch.length);
        if (failing) {
          log.info("The trace collector takes spans again", { collector });
        }
        failing = false;
        return backOff.reset();
      }
      if (!failing) {
        log.warn("The trace collector does not take spans", {
          collector,
          error: verdict.why,
        });
      }
      failing = true;
      if (verdict.kind === "refused") {
        return recorder.dropped(batch.length, "refused");
      }
      const pauseMs = Math.max(
        backOff.next(),
        Math.min(verdict.afterMs ?? 0, MAX_PAUSE_MS),
      );
      if (performance.now() + pauseMs > untilMs) break;
      await pause(pauseMs, stopping.signal);
    }
    recorder.dropped(batch.length, "unreachable");
  }

  return {
    ended(span) {
      if (isFull() || stopping.signal.aborted) {
        return recorder.dropped(1, "queue_full");
      }
      const encoded = encoding.span(span);
      gathered.push(encoded);
      bytes += encoded.length;
      if (isFull()) flush();
      else timer ??= setTimeout(flush, MAX_BATCH_MS);
    },
    async close(withinMs) {
      const limit = setTimeout(() => stopping.abort(), withinMs);
      while (sending !== null || gathered.length > 0) {
        flush();
        await sending;
      }
      clearTimeout(limit);
      stopping.abort();
    },
  };
}

/** Waits, but no longer than until `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
