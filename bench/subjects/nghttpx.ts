import { SERVER_NAME } from "../certificates.ts";
import type { Subject } from "../subject.ts";
import { startPair } from "./pair.ts";

/** nghttpx beside each end, HTTP/2 all the way, mutual TLS 1.3 between them. */
export const nghttpx: Subject = {
  name: "nghttpx",
  carries: ["http2"],
  start: (stage) =>
    startPair("nghttpx", 14_000, stage, ({ side, listen, forward, next }) => {
      const { tls } = stage;
      const dial = `${next},${forward.http2};;proto=h2`;
      const own = side === "client"
        ? [
          // HTTP/1 in only shows that the pair is up: on this face both are told apart by their first bytes.
          ...[
            "-f",
            `*,${listen.http2};no-tls`,
            "-f",
            `*,${listen.http1};no-tls`,
          ],
          ...["-b", `${dial};tls;sni=${SERVER_NAME}`],
          `--client-cert-file=${tls.client.certificate}`,
          `--client-private-key-file=${tls.client.key}`,
        ]
        : [
          ...["-f", `*,${listen.http2}`, "-b", dial],
          ...["--verify-client", `--verify-client-cacert=${tls.anchor}`],
          ...[tls.server.key, tls.server.certificate],
        ];
      return Promise.resolve([
        ...["nghttpx", "--conf=/dev/null", "--workers=1", "--single-process"],
        ...["--errorlog-file=/dev/stderr", "--accesslog-file=/dev/null"],
        ...["--tls-min-proto-version=TLSv1.3", `--cacert=${tls.anchor}`],
        ...["--frontend-http2-max-concurrent-streams=1024"],
        ...["--backend-keep-alive-timeout=1h", "--pid-file=/dev/null"],
        ...own,
      ]);
    }),
};
