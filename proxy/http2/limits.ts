/**
 * What one connection may cost us. Every limit has its reason here, and each time it is hit `Http2Options.violated` hears of
 * it; a peer that exceeds a rate gets GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 10.5).
 */

/** Streams a client may have open; each holds about 1 KB here. Envoy's default; hyper's 200 is tight for a shared hop. */
export const MAX_CONCURRENT_STREAMS = 1_024;
/** Decoded size of a header list; above it a request gets 431. Above Envoy's 60 KiB and nginx's 32 KiB. */
export const MAX_HEADER_LIST_BYTES = 65_536;
/** Encoded size of a header block, which has to be collected before it is decoded; no honest one exceeds its list. */
export const MAX_HEADER_BLOCK_BYTES = 65_536;
/** CONTINUATION frames of one block; four full ones hold the largest list (VU#421644, nghttp2 allows 8). */
export const MAX_CONTINUATIONS = 8;
/** Settings in one SETTINGS frame; RFC 9113 defines 6 (nghttp2's limit). */
export const MAX_SETTINGS_ENTRIES = 32;
/** Answers queued behind output that the peer does not read (CVE-2019-9512, -9515; nghttp2 allows 1,000). */
export const MAX_UNREAD_REPLIES = 500;
/** Body bytes queued on one stream for lack of window; sources stop long before, so that only a bug gets here. */
export const MAX_QUEUED_BYTES = 4_194_304;
/** Body bytes of paused streams on one connection; beyond it the connection's own window is withheld too. */
export const MAX_HELD_BYTES = 16_777_216;
/** A DATA frame cut shorter than this by the peer's window is one the peer should not ask for (CVE-2019-9511). */
export const TINY_FRAME_BYTES = 256;
/** Streams we have reset whose frames may still be under way, and are ignored (RFC 9113 5.4.2). */
export const MAX_REMEMBERED_RESETS = 256;

/** `burst` events at once and `perSecond` on average; some are paid for by useful traffic besides. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Limits on how often something happens; `refund` in the comments names the traffic that pays for more. */
export const RATES = {
  /**
   * RST_STREAM from a client that has not waited for the response to begin, or for a stream that is no more (rapid reset,
   * CVE-2023-44487; nghttp2: 1,000 and 33). Each finished stream pays for one. A server's resets answer what we asked.
   */
  resets: { burst: 1_000, perSecond: 100 },
  /** RST_STREAM we must send for the peer's faults (made-you-reset, CVE-2025-8671). */
  faults: { burst: 200, perSecond: 20 },
  /** SETTINGS; an honest peer changes them a few times in a connection's life. */
  settings: { burst: 100, perSecond: 10 },
  /** PING; bandwidth probes of gRPC come with DATA, and each DATA frame pays for one. */
  pings: { burst: 1_000, perSecond: 100 },
  /** PRIORITY, which we ignore (RFC 9113 5.3.2). Each stream pays for two. */
  priorities: { burst: 200, perSecond: 10 },
  /** Frames of unknown types, GREASE and extensions. Each stream pays for two. */
  unknownFrames: { burst: 200, perSecond: 10 },
  /** DATA frames without a body octet and without END_STREAM (CVE-2019-9518). */
  emptyData: { burst: 100, perSecond: 10 },
  /** WINDOW_UPDATE. Each DATA frame we send pays for some. */
  windowUpdates: { burst: 1_000, perSecond: 100 },
  /** DATA frames below `TINY_FRAME_BYTES` that the peer's window made us send (CVE-2019-9511, -9517). A larger one pays. */
  tinyWindows: { burst: 1_000, perSecond: 100 },
  /** GOAWAY received; two are a graceful end. */
  goaways: { burst: 10, perSecond: 1 },
} satisfies Record<string, Rate>;

export type RateName = keyof typeof RATES;
export type Rates = Partial<Record<RateName, Rate>>;

/**
 * For connections from other proxies, in place of those above. One of them carries the requests of many clients, each
 * of which was limited by itself: together they must not end what they share. A reset costs us about what a request does.
 */
export const RATES_WITH_PROXIES: Rates = {
  resets: { burst: 10_000, perSecond: 10_000 },
  faults: { burst: 10_000, perSecond: 10_000 },
};
/**
 * Room in header lists from other proxies for what they add to those they have accepted themselves: fields of their own,
 * and 28 bytes that HTTP/2 counts more than HTTP/1 for each of the 128 fields that HTTP/1 may have.
 */
export const PROXY_FIELDS_BYTES = 4_096;

/** Everything that is counted: the rates, the sizes, and streams refused above MAX_CONCURRENT_STREAMS. */
export type LimitName =
  | RateName
  | "streams"
  | "headerList"
  | "headerBlock"
  | "continuations"
  | "settingsEntries"
  | "unreadReplies"
  | "queuedBytes"
  | "heldBytes"
  | "pingTimeout";

/** A bucket of tokens for one `Rate`; the clock is asked only when it is empty. */
export class Budget {
  private tokens: number;
  private filledAtMs: number;
  private readonly rate: Rate;
  private readonly now: () => number;

  constructor(rate: Rate, now: () => number) {
    this.rate = rate;
    this.now = now;
    this.tokens = rate.burst;
    this.filledAtMs = now();
  }

  /** False when too much has happened. */
  spend(): boolean {
    if (this.tokens < 1) this.refill();
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Useful traffic pays for `tokens` more, never beyond the burst. */
  refund(tokens: number): void {
    this.tokens = Math.min(this.rate.burst, this.tokens + tokens);
  }

  private refill(): void {
    const nowMs = this.now();
    this.refund((nowMs - this.filledAtMs) / 1000 * this.rate.perSecond);
    this.filledAtMs = nowMs;
  }
}
