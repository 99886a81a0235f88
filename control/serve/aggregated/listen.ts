import { constants } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createSecureServer, type Http2ServerRequest } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { describe, Problem } from "../../../schemas/problem.ts";
import type { ListenAddress } from "../../config/address.ts";
import type { Log } from "../../log.ts";
import { watchFiles } from "../../watch-files.ts";
import { refuse } from "../status.ts";
import { passOn } from "./exchange.ts";
import type { FrontProxy } from "../../front-proxy.ts";
import { readUser } from "./user.ts";
import type { User } from "../../visitor.ts";

export interface AggregatedOptions {
  readonly address: ListenAddress;
  /** The folder of `tls.crt` and `tls.key`, as a mounted Secret of type `kubernetes.io/tls`. */
  readonly folder: string;
  /** Whom to believe at first. */
  readonly proxy: FrontProxy;
  readonly answer: (request: Request, user: User) => Promise<Response>;
  readonly log: Log;
  /** How often the files are read without a sign of change. */
  readonly reloadEveryMs?: number;
  /** How long a client may take to show its certificate. */
  readonly handshakeMs?: number;
  /** How long a client may keep us waiting with its body, or for it to read on. */
  readonly patienceMs?: number;
}

export interface AggregatedServer {
  readonly port: number;
  /** Believes another front proxy from now on; whoever is connected already must prove it anew to another authority. */
  readonly believe: (proxy: FrontProxy) => void;
  readonly close: () => Promise<void>;
}

/** The kubelet's period for mounted Secrets. */
const RELOAD_EVERY_MS = 60_000;
/** Every pod can connect; those that say nothing shall not stay. */
const HANDSHAKE_MS = 10_000;
/** Nor shall all the memory be theirs: API servers need a few, and come in again as those go. */
const MAX_CONNECTIONS = 500;

/**
 * Serves what the API server passes on, over HTTPS, HTTP/2 or 1.1: to the front proxy of the API server and to nobody else, which
 * is known by its certificate; it says who the user is. With `Bun.serve` nobody sees the certificate of a client (Bun 1.4.5).
 * Throws `config.invalid` when there is no pair to start with; one that cannot be used later is told and changes nothing.
 */
export async function serveAggregated(
  {
    address,
    folder,
    proxy,
    answer,
    log,
    reloadEveryMs = RELOAD_EVERY_MS,
    handshakeMs = HANDSHAKE_MS,
    patienceMs,
  }: AggregatedOptions,
): Promise<AggregatedServer> {
  const paths = [join(folder, "tls.crt"), join(folder, "tls.key")];
  let believed = proxy;
  let pair = await readPair(paths);
  let complaint = "";
  const server = createSecureServer({
    ...secure(),
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeMs,
  }, (request, response) => {
    void passOn(request, response, async (read) => {
      const user = findUser(request, believed);
      return user instanceof Problem
        ? refuse(user)
        : await answer(await read(), user);
    }, patienceMs);
  });
  server.maxConnections = MAX_CONNECTIONS;
  // A client that is no front proxy, or one that hung up: there is nobody to tell.
  server.on("tlsClientError", (_, socket) => socket.destroy());
  const connected = new Set<{ destroy(): unknown }>();
  server.on("secureConnection", (socket) => {
    connected.add(socket);
    socket.on("close", () => connected.delete(socket));
    socket.on("error", () => {});
  });
  server.on("sessionError", () => {});
  server.listen({
    port: address.port,
    ...(address.host === undefined ? {} : { host: address.host }),
  });
  await once(server, "listening");
  server.on("error", (error) => log.warn("listener", { error: error.message }));
  const stopWatching = watchFiles(paths, reloadEveryMs, () => void reload());

  function secure() {
    return {
      ...pair,
      ca: believed.ca,
      minVersion: "TLSv1.3",
      secureOptions: constants.SSL_OP_NO_TLSv1_2,
    } as const;
  }

  function hangUp(): void {
    for (const socket of connected) socket.destroy();
  }

  async function reload(): Promise<void> {
    const last = pair;
    try {
      const found = await readPair(paths);
      if (found.cert === pair.cert && found.key === pair.key) return;
      pair = found;
      server.setSecureContext(secure());
      complaint = "";
      log.info("serving certificate replaced", { folder });
    } catch (error) {
      pair = last;
      if (complaint === describe(error)) return; // said once
      complaint = describe(error);
      log.warn("serving certificate kept, the new one cannot be used", {
        error: complaint,
      });
    }
  }

  return {
    port: (server.address() as AddressInfo).port,
    believe: (proxy) => {
      const last = believed;
      believed = proxy;
      try {
        server.setSecureContext(secure());
        if (proxy.ca !== last.ca) hangUp();
        log.info("front proxy replaced", { names: proxy.names.join(" ") });
      } catch (error) {
        believed = last;
        log.warn("front proxy kept, the new one cannot be used", {
          error: describe(error),
        });
      }
    },
    close: async () => {
      stopWatching();
      const closed = once(server, "close");
      server.close();
      hangUp();
      await closed;
    },
  };
}

/** Whom a request is from; a Problem when nobody is to be believed about it. */
function findUser(
  request: Http2ServerRequest,
  proxy: FrontProxy,
): User | Problem {
  // Bun's type for both kinds of requests; with HTTP/1.1 it is an IncomingMessage, which has the same.
  const { socket, rawHeaders } = request;
  if (!(socket instanceof TLSSocket) || socket.authorized !== true) {
    return new Problem("tls.refused", "expected the API server's front proxy");
  }
  // A list when it has several; which of them somebody else went by when they signed it, cannot be told.
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  const { names } = proxy;
  if (
    names.length > 0 && !(typeof name === "string" && names.includes(name))
  ) {
    return new Problem(
      "tls.refused",
      "expected the API server's front proxy: the certificate has none of its names",
    );
  }
  return readUser(rawHeaders, proxy) ??
    new Problem("tls.refused", "the front proxy does not say who asks");
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function readPair(paths: readonly string[]): Promise<Pair> {
  try {
    const [cert = "", key = ""] = await Promise.all(
      paths.map((path) => readFile(path, "utf8")),
    );
    return { cert, key };
  } catch (cause) {
    throw new Problem(
      "config.invalid",
      `Cannot read the serving certificate: ${describe(cause)}`,
      { cause, hint: "mount a Secret of type kubernetes.io/tls there" },
    );
  }
}
