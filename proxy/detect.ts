import type { Channel } from "./channel.ts";
import { join } from "./chunk.ts";
import { guessHttp } from "./detect/http.ts";
import { guessTls } from "./detect/tls.ts";

/** What a connection carries. */
export type Detected = "http1" | "http2" | "opaque";

/** How detection ended; the bytes read are back in the channel in all cases but `gone`. */
export type Detection =
  | { readonly kind: "detected"; readonly protocol: Detected }
  /** Nothing decided in time; treated as opaque, as in Linkerd. */
  | { readonly kind: "timeout" }
  /** The client closed before it had said anything, or broke off. */
  | { readonly kind: "gone"; readonly error: Error | null };

/** How TLS sniffing ended; the bytes read are back in the channel but after `gone` and `timeout`. */
export type TlsDetection =
  | { readonly kind: "hello"; readonly sni: string | null }
  | { readonly kind: "none" }
  | { readonly kind: "timeout" }
  | { readonly kind: "gone"; readonly error: Error | null };

/** Called once if the client says nothing for that long. */
export interface Silence {
  readonly afterMs: number;
  readonly call: () => void;
}

interface DetectOptions {
  readonly timeoutMs: number;
  readonly silence: Silence | null;
}

/** Longer timers fire at once; policies say 365 days for "never". */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Stops waiting; what has been read is put back into the channel. */
export type Cancel = () => void;

/**
 * How long an unknown word without an end of line may stand before it is taken for an opaque protocol. Clients write a
 * request line in one piece; ten seconds (Linkerd's detection timeout) would stall protocols that begin with letters.
 */
const UNKNOWN_WORD_MS = 200;

/** Reads until it is clear whether this is HTTP. */
export function detectHttp(
  channel: Channel,
  options: DetectOptions,
  done: (detection: Detection) => void,
): Cancel {
  let unknownWord: ReturnType<typeof setTimeout> | null = null;
  let seen: "nothing" | "maybe" | "likely" = "nothing";
  const gathering = collect(channel, options, {
    data(bytes) {
      const guess = guessHttp(bytes);
      if (guess === "more" || guess === "likely-http1") {
        seen = guess === "more" ? "maybe" : "likely";
        clearTimeout(unknownWord ?? undefined);
        unknownWord = seen === "likely" ? null : setTimeout(
          () => finish({ kind: "detected", protocol: "opaque" }),
          UNKNOWN_WORD_MS,
        );
      } else {
        finish({ kind: "detected", protocol: guess });
      }
    },
    // A request line that drips is HTTP's to refuse.
    timeout: () =>
      finish(
        seen === "likely"
          ? { kind: "detected", protocol: "http1" }
          : { kind: "timeout" },
      ),
    end: (any) =>
      finish(
        any
          ? { kind: "detected", protocol: "opaque" }
          : { kind: "gone", error: null },
      ),
    close: (error) => finish({ kind: "gone", error }),
  });
  const stop = () => {
    clearTimeout(unknownWord ?? undefined);
    gathering.cancel();
  };
  const finish = (detection: Detection) => {
    stop();
    done(detection);
  };
  gathering.begin();
  return stop;
}

/** Reads until it is clear whether this is a TLS ClientHello, and for whom. */
export function detectTls(
  channel: Channel,
  options: DetectOptions,
  done: (detection: TlsDetection) => void,
): Cancel {
  const gathering = collect(channel, options, {
    data(bytes) {
      const guess = guessTls(bytes);
      if (guess.kind !== "more") finish(guess);
    },
    timeout: () => finish({ kind: "timeout" }),
    end: (any) =>
      finish(any ? { kind: "none" } : { kind: "gone", error: null }),
    close: (error) => finish({ kind: "gone", error }),
  });
  const finish = (detection: TlsDetection) => {
    gathering.cancel();
    done(detection);
  };
  gathering.begin();
  return gathering.cancel;
}

/** Gathers a channel's first bytes and shows all of them at each arrival, until cancelled. */
function collect(
  channel: Channel,
  { timeoutMs, silence }: DetectOptions,
  events: {
    data(bytes: Uint8Array): void;
    timeout(): void;
    /** FIN; `any`: whether something was read before. */
    end(any: boolean): void;
    close(error: Error | null): void;
  },
): { begin(): void; cancel: Cancel } {
  let gathered: Uint8Array = new Uint8Array(0);
  let active = true;
  const timer = setTimeout(
    () => events.timeout(),
    Math.min(timeoutMs, TIMER_MAX_MS),
  );
  const silent = silence === null
    ? undefined
    : setTimeout(silence.call, silence.afterMs);
  const cancel = () => {
    if (!active) return;
    active = false;
    clearTimeout(timer);
    clearTimeout(silent);
    channel.unread(gathered);
  };
  const begin = () =>
    channel.attach({
      data(chunk) {
        clearTimeout(silent);
        gathered = join(gathered, chunk);
        events.data(gathered);
      },
      end() {
        if (active) events.end(gathered.length > 0);
      },
      drain() {},
      close(error) {
        if (active) events.close(error);
      },
    });
  return { begin, cancel };
}
