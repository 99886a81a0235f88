import { SERVER_NAME } from "../certificates.ts";
import { GRPC_PATH } from "../load/grpc.ts";
import type { Subject } from "../subject.ts";
import { startPair } from "./pair.ts";

const FACES = ["http1", "http2", "grpc"] as const;

/** nghttpx beside each end, HTTP/2 all the way, mutual TLS 1.3 between them. */
export const nghttpx: Subject = {
  name: "nghttpx",
  carries: ["http2", "grpc"],
  start: (stage) =>
    startPair("nghttpx", 14_000, stage, ({ side, listen, forward, next }) => {
      const { tls } = stage;
      // nghttpx chooses a backend by path, not by port: gRPC goes where its path says.
      const dial = (protocol: "http2" | "grpc", pattern: string) =>
        side === "client"
          ? `${next},${
            forward[protocol]
          };${pattern};proto=h2;tls;sni=${SERVER_NAME}`
          : `${next},${forward[protocol]};${pattern};proto=h2`;
      const own = side === "client"
        ? [
          // The HTTP/1 face only shows that the pair is up; either face takes both.
          ...FACES.flatMap((protocol) => [
            "-f",
            `*,${listen[protocol]};no-tls`,
          ]),
          `--client-cert-file=${tls.client.certificate}`,
          `--client-private-key-file=${tls.client.key}`,
        ]
        : [
          ...FACES.flatMap((protocol) => ["-f", `*,${listen[protocol]}`]),
          ...["--verify-client", `--verify-client-cacert=${tls.anchor}`],
          ...[tls.server.key, tls.server.certificate],
        ];
      return Promise.resolve([
        ...["nghttpx", "--conf=/dev/null", "--workers=1", "--single-process"],
        ...["--errorlog-file=/dev/stderr", "--accesslog-file=/dev/null"],
        ...["--tls-min-proto-version=TLSv1.3", `--cacert=${tls.anchor}`],
        ...["--frontend-http2-max-concurrent-streams=1024"],
        ...["--backend-keep-alive-timeout=1h", "--pid-file=/dev/null"],
        ...["-b", dial("http2", ""), "-b", dial("grpc", GRPC_PATH)],
        ...own,
      ]);
    }),
};
