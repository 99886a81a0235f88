// `bun tests/testing/attack.ts <AttackSpec as JSON>`: opens connections that all say the same, waits until the other
// side closes each, and prints one line of JSON, an AttackResult.
import { TRANSPORT_ALPN } from "../../proxy/tls.ts";

/** What to send, and how often. */
export interface AttackSpec {
  readonly hostname: string;
  readonly port: number;
  readonly attempts: number;
  /** Connections open at the same time. */
  readonly parallel: number;
  /** The bytes, in base64. */
  readonly say: string;
  /** Files of a certificate to present; null sends the bytes without TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** What became of the connections. */
export interface AttackResult {
  /** Ended by the other side. */
  readonly closed: number;
  /** Bytes that the other side said, in all, beyond the TLS handshake. */
  readonly heardBytes: number;
  /** Longest time from the first byte sent to the end. */
  readonly slowestMs: number;
}

async function attack(spec: AttackSpec): Promise<AttackResult> {
  const say = Buffer.from(spec.say, "base64");
  const tls = spec.tls === null ? null : {
    cert: await Bun.file(spec.tls.cert).text(),
    key: await Bun.file(spec.tls.key).text(),
    rejectUnauthorized: false,
    ALPNProtocols: TRANSPORT_ALPN,
  };
  let left = spec.attempts;
  let closed = 0;
  let heardBytes = 0;
  let slowestMs = 0;

  const once = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let saidMs = 0;
    await Bun.connect({
      hostname: spec.hostname,
      port: spec.port,
      ...(tls === null ? {} : { tls: tls as Bun.TLSOptions }),
      socket: {
        open(socket) {
          if (tls !== null) return;
          saidMs = performance.now();
          socket.write(say);
        },
        handshake(socket) {
          saidMs = performance.now();
          socket.write(say);
        },
        data: (_socket, chunk) => void (heardBytes += chunk.length),
        close() {
          closed++;
          slowestMs = Math.max(slowestMs, performance.now() - saidMs);
          resolve();
        },
      },
    });
    await promise;
  };
  const work = async (): Promise<void> => {
    while (left-- > 0) await once();
  };
  await Promise.all(Array.from({ length: spec.parallel }, work));
  return { closed, heardBytes, slowestMs: Math.round(slowestMs) };
}

if (import.meta.main) {
  const spec = JSON.parse(process.argv[2] ?? "") as AttackSpec;
  process.stdout.write(`${JSON.stringify(await attack(spec))}\n`);
}
