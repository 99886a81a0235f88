import type { Channel } from "../channel.ts";
import { type Cancel, detectHttp, type Detection } from "../detect.ts";

/** What connections to one server have shown; what it did once it will do again. */
export interface Habits {
  speaksFirst: boolean;
  speaksHttp: boolean;
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

/**
 * A client that has said nothing for so long may be waiting for the server to speak first: the server is dialled, and if
 * it does speak the connection is opaque. Clients that speak first do so in far less (the connection to us is local);
 * Linkerd waits ten seconds, which stalls every such protocol on a port that nobody declared.
 */
export const SILENT_CLIENT_MS = 50;

/** Finds out what a connection carries by whoever speaks first. `open` reaches the server. */
export function detectEitherSide(
  client: Channel,
  options: {
    readonly timeoutMs: number;
    readonly habits: Habits;
    readonly open: () => Promise<Channel>;
  },
  done: (finding: Finding, detection: Detection) => void,
): void {
  const { habits, timeoutMs, open } = options;
  let early: Promise<Channel> | null = null;
  let cancel: Cancel = () => {};
  let decided = false;
  const decide = (finding: Finding, detection: Detection) => {
    if (decided) return;
    decided = true;
    done(finding, detection);
  };
  const listen = () => {
    early = open();
    early.then(
      (server) => {
        if (!decided) {
          onFirstByte(server, () => {
            if (decided) return;
            habits.speaksFirst = true;
            cancel();
            decide({ kind: "opaque", early }, {
              kind: "detected",
              protocol: "opaque",
            });
          });
        }
      },
      () => early = null, // Nobody there to speak first: the client's first bytes will try again.
    );
  };
  const silence = habits.speaksHttp
    ? null
    : { afterMs: habits.speaksFirst ? 0 : SILENT_CLIENT_MS, call: listen };
  cancel = detectHttp(client, { timeoutMs, silence }, (detection) => {
    if (detection.kind === "gone") {
      early?.then((server) => server.destroy(), () => {});
      return decide({ kind: "gone" }, detection);
    }
    const protocol = detection.kind === "timeout"
      ? "opaque"
      : detection.protocol;
    if (protocol !== "opaque") habits.speaksHttp = true;
    decide(
      protocol === "opaque"
        ? { kind: "opaque", early }
        : { kind: "http", protocol, early },
      detection,
    );
  });
}

function onFirstByte(server: Channel, call: () => void): void {
  server.attach({
    data(chunk) {
      server.unread(chunk.slice());
      call();
    },
    end() {},
    drain() {},
    close() {},
  });
}
