import type { Channel } from "../channel.ts";
import {
  type Cancel,
  detectHttp,
  type Detection,
  detectTls,
  type Silence,
  type TlsDetection,
} from "../detect.ts";
import {
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  readUint32,
} from "../http2/frames.ts";

/** What connections to one server have shown; what it did once it will do again. */
export interface Habits {
  speaksFirst: boolean;
  /** It has answered HTTP; that a client tried it says nothing. */
  speaksHttp: boolean;
}

/** Learns from a response. An error may be a proxy's word for a server that speaks something else. */
export function noteAnswer(habits: Habits, status: number): void {
  if (status < 500) habits.speaksHttp = true;
}

/** What a connection carries, and the server's connection when that had to be opened to find out. */
export type Finding =
  | {
    readonly kind: "http";
    readonly protocol: "http1" | "http2";
    readonly early: Promise<Channel> | null;
  }
  | { readonly kind: "opaque"; readonly early: Promise<Channel> | null }
  | { readonly kind: "gone" };

/** What a connection begins with, `server`: with words of the server. */
export type TlsFinding =
  | { readonly kind: "server"; readonly early: Promise<Channel> }
  | {
    readonly kind: Exclude<TlsDetection["kind"], "hello">;
    readonly early: Promise<Channel> | null;
  }
  | {
    readonly kind: "hello";
    readonly sni: string | null;
    readonly early: Promise<Channel> | null;
  };

/**
 * A client that has said nothing for so long may be waiting for the server to speak first: the server is dialled, and if
 * it does speak the connection is opaque. Clients that speak first do so in far less (the connection to us is local);
 * Linkerd waits ten seconds, which stalls every such protocol on a port that nobody declared.
 */
export const SILENT_CLIENT_MS = 50;

interface SidesOptions {
  readonly timeoutMs: number;
  readonly habits: Habits;
  /** Reaches the server. */
  readonly open: () => Promise<Channel>;
  /** A connection to the server that is open already. */
  readonly early?: Promise<Channel> | null;
}

/** Finds out what a connection carries by whoever speaks first. */
export function detectEitherSide(
  client: Channel,
  options: SidesOptions,
  done: (finding: Finding, detection: Detection) => void,
): void {
  let cancel: Cancel = () => {};
  const server = listenToServer(options, (early) => {
    cancel();
    done({ kind: "opaque", early }, { kind: "detected", protocol: "opaque" });
  });
  const { timeoutMs } = options;
  const { silence } = server;
  cancel = detectHttp(client, { timeoutMs, silence }, (detection) => {
    const early = server.leave();
    if (detection.kind === "gone") {
      close(early);
      return done({ kind: "gone" }, detection);
    }
    const protocol = detection.kind === "timeout"
      ? "opaque"
      : detection.protocol;
    done(
      protocol === "opaque"
        ? { kind: "opaque", early }
        : { kind: "http", protocol, early },
      detection,
    );
  });
}

/** Finds out whether a connection begins with TLS, or whether its server speaks before the client does. */
export function detectTlsEitherSide(
  client: Channel,
  options: SidesOptions,
  done: (finding: TlsFinding) => void,
): void {
  let cancel: Cancel = () => {};
  const server = listenToServer(options, (early) => {
    cancel();
    done({ kind: "server", early });
  });
  const { timeoutMs } = options;
  const { silence } = server;
  cancel = detectTls(client, { timeoutMs, silence }, (found) => {
    const early = server.leave();
    if (found.kind === "hello" || found.kind === "none") {
      return done({ ...found, early });
    }
    close(early);
    done({ kind: found.kind, early: null });
  });
}

/** Dials the server of a silent client; `spoke` is called when it speaks, or has finished, before `leave` is called. */
function listenToServer(
  { habits, open, early: given = null }: SidesOptions,
  spoke: (early: Promise<Channel>) => void,
): { readonly silence: Silence | null; leave(): Promise<Channel> | null } {
  let early = given;
  let listening = true;
  const listen = (opened: Promise<Channel>): void => {
    early = opened;
    const hear = (): void => {
      if (!listening) return;
      listening = false;
      spoke(opened);
    };
    // Nobody there to speak first: the client's first bytes will try again.
    const lost = (): void => {
      if (listening) early = null;
    };
    opened.then((server) => {
      if (!listening) return;
      server.attach({
        data(chunk) {
          server.unread(chunk.slice());
          if (opensHttp2(chunk)) return void (habits.speaksHttp = true);
          habits.speaksFirst ||= listening;
          hear();
        },
        end: hear,
        drain() {},
        close: lost,
      });
    }, lost);
  };
  if (given !== null) listen(given);
  const afterMs = habits.speaksFirst ? 0 : SILENT_CLIENT_MS;
  return {
    silence: habits.speaksHttp || given !== null
      ? null
      : { afterMs, call: () => listen(open()) },
    leave() {
      listening = false;
      return early;
    },
  };
}

/**
 * Whether a server's first bytes are the SETTINGS frame of HTTP/2, which many send unasked (RFC 9113 3.4): its clients
 * speak all the same, and one that has not yet was only slow.
 */
function opensHttp2(bytes: Uint8Array): boolean {
  return bytes.length >= FRAME_HEADER_BYTES &&
    bytes[3] === FrameType.settings && bytes[4] === Flag.none &&
    readUint32(bytes, 5) === 0;
}

function close(early: Promise<Channel> | null): void {
  early?.then((server) => server.destroy(), () => {});
}
