import { constants } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, Problem } from "../../schemas/problem.ts";
import type { ListenAddress } from "../config/address.ts";
import type { Log } from "../log.ts";
import { watchFiles } from "../watch-files.ts";

export interface HttpsOptions {
  readonly address: ListenAddress;
  /** The folder of `tls.crt` and `tls.key`, as a mounted Secret of type `kubernetes.io/tls`. */
  readonly folder: string;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly log: Log;
  /** How often the files are read without a sign of change. */
  readonly reloadEveryMs?: number;
}

export interface HttpsServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** The kubelet's period for mounted Secrets. */
const RELOAD_EVERY_MS = 60_000;

/** The API server is a Go program of this decade: TLS 1.3 it is, as with Linkerd's webhooks. */
const TLS_1_3_ONLY = constants.SSL_OP_NO_TLSv1 | constants.SSL_OP_NO_TLSv1_1 |
  constants.SSL_OP_NO_TLSv1_2;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Serves HTTPS with the certificate of a folder, and with a new one as soon as it is there: a second listener shares the
 * port, the first one ends what it has begun and closes (`reload` would keep the old certificate: Bun 1.4.5). Throws
 * `config.invalid` when there is no pair to start with; one that cannot be used later is told and changes nothing.
 */
export async function serveHttps(
  { address, folder, fetch, log, reloadEveryMs = RELOAD_EVERY_MS }:
    HttpsOptions,
): Promise<HttpsServer> {
  const paths = [join(folder, "tls.crt"), join(folder, "tls.key")];
  let pair = await read();
  let server = start(pair, address.port);
  const port = server.port ?? address.port;
  let complaint = "";

  const stopWatching = watchFiles(paths, reloadEveryMs, () => void reload());

  async function reload(): Promise<void> {
    try {
      const found = await read();
      if (found.cert === pair.cert && found.key === pair.key) return;
      const next = start(found, port);
      const last = server;
      pair = found;
      server = next;
      complaint = "";
      log.info("webhook certificate replaced", { folder });
      await last.stop();
    } catch (error) {
      if (complaint === describe(error)) return; // said once
      complaint = describe(error);
      log.warn("webhook certificate kept, the new one cannot be used", {
        error: complaint,
      });
    }
  }

  async function read(): Promise<Pair> {
    try {
      const [cert = "", key = ""] = await Promise.all(
        paths.map((path) => readFile(path, "utf8")),
      );
      return { cert, key };
    } catch (cause) {
      throw new Problem(
        "config.invalid",
        `Cannot read the webhook's certificate: ${describe(cause)}`,
        { cause, hint: "mount a Secret of type kubernetes.io/tls there" },
      );
    }
  }

  function start(tls: Pair, on: number): Bun.Server<undefined> {
    return Bun.serve({
      port: on,
      development: false,
      reusePort: true,
      ...(address.host === undefined ? {} : { hostname: address.host }),
      tls: { ...tls, secureOptions: TLS_1_3_ONLY },
      fetch,
    });
  }

  return {
    port,
    close: async () => {
      stopWatching();
      await server.stop();
    },
  };
}
