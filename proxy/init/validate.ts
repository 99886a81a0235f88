import type { SocketAddress } from "../../schemas/address.ts";
import { formatAddress } from "../../schemas/address.ts";
import { describe, Problem } from "../../schemas/problem.ts";

/** What proves redirection: a connection to `connect` must arrive at `listen`. */
export interface Probe {
  readonly listen: SocketAddress;
  /** An address where nobody answers by itself. */
  readonly connect: SocketAddress;
  readonly timeoutMs: number;
  /** What the listener says and the client must read, unguessable to anybody else. */
  readonly token: string;
}

const TOKEN_CHARACTERS =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 63 letters and digits and a newline, as Linkerd's validator sends. */
export function createToken(random: () => number): string {
  const character = (): string =>
    TOKEN_CHARACTERS.charAt(Math.floor(random() * TOKEN_CHARACTERS.length));
  return Array.from({ length: 63 }, character).join("") + "\n";
}

/** Returns when the token came back; throws `system.failed` that says what happened instead. */
export async function validate(
  probe: Probe,
  signal: AbortSignal,
): Promise<void> {
  const wanted = formatAddress(probe.connect);
  const listener = listen(probe);
  const deadline = AbortSignal.timeout(probe.timeoutMs);
  try {
    const found = await read(probe, AbortSignal.any([signal, deadline]));
    if (found === probe.token) return;
    throw failure(
      `Connected to ${wanted} and read ${
        JSON.stringify(found)
      }, expected our own token`,
      "somebody else answers there: choose a --connect-addr where nothing listens",
    );
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    const what = deadline.aborted
      ? `nothing within ${probe.timeoutMs} ms`
      : describe(cause);
    throw failure(
      `Cannot reach our own listener ${
        formatAddress(probe.listen)
      } through ${wanted}: ${what}`,
      "connections of this pod are not redirected: did proxy init or the CNI plugin run in this network namespace, and is the address routable?",
    );
  } finally {
    listener.stop();
  }
}

function failure(message: string, hint: string): Problem {
  return new Problem("system.failed", message, { hint });
}

function listen(probe: Probe): { stop(): void } {
  try {
    const listener = Bun.listen({
      hostname: probe.listen.ip,
      port: probe.listen.port,
      socket: {
        open: (socket) => void socket.end(probe.token),
        data() {},
      },
    });
    const alsoConnections = true;
    return { stop: () => listener.stop(alsoConnections) };
  } catch (cause) {
    throw failure(
      `Cannot listen on ${formatAddress(probe.listen)}: ${describe(cause)}`,
      "is the proxy running already? The validator runs before it",
    );
  }
}

/** Text of up to the token's length, sooner when the peer closes first. */
function read(probe: Probe, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const abort = (): void => reject(new Error("stopped"));
  signal.addEventListener("abort", abort, { once: true });
  const connecting = Bun.connect({
    hostname: probe.connect.ip,
    port: probe.connect.port,
    socket: {
      data(_socket, chunk) {
        text += chunk.toString("latin1");
        if (text.length >= probe.token.length) resolve(text);
      },
      close: () => resolve(text),
      error: (_socket, error) => reject(error),
    },
  });
  connecting.catch(reject);
  return promise.finally(() => {
    signal.removeEventListener("abort", abort);
    connecting.then((socket) => socket.terminate(), () => undefined);
  });
}
