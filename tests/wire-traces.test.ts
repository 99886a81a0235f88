// The proxy's own writers of spans, read by the generated schema.
import { describe, expect, test } from "bun:test";
import type { Encoding } from "../proxy/trace/encoding.ts";
import { json } from "../proxy/trace/json.ts";
import { protobuf } from "../proxy/trace/protobuf.ts";
import { SPAN } from "../proxy/trace/testing/spans.ts";
import { readJson, readProtobuf, type SeenSpan } from "./testing/otlp.ts";

const RESOURCE = [["service.name", "web"], ["process.pid", 4_000_000]] as const;

const FORMS: readonly {
  name: string;
  encoding: Encoding;
  read: (bytes: Uint8Array) => SeenSpan[];
}[] = [
  {
    name: "JSON",
    encoding: json,
    read: (bytes) => readJson(new TextDecoder().decode(bytes)),
  },
  { name: "protobuf", encoding: protobuf, read: readProtobuf },
];

for (const { name, encoding, read } of FORMS) {
  describe(`a request in ${name}`, () => {
    test("says of each span all there is, and whose it is", () => {
      const failed = { ...SPAN, kind: "client", failed: true } as const;
      const spans = [encoding.span(SPAN), encoding.span(failed)];
      const seen = {
        traceId: SPAN.traceId,
        spanId: SPAN.spanId,
        parentId: SPAN.parentId,
        kind: "SERVER",
        name: "/cart",
        startNanos: 1_800_000_000_000_125_000n,
        endNanos: 1_800_000_000_002_000_000n,
        failed: false,
        flags: 0x301,
        attributes: {
          direction: "inbound",
          "server.port": 8443,
          "url.path": '/"\n\u00e9',
        },
        resource: { "service.name": "web", "process.pid": 4_000_000 },
        scope: "linkerd-proxy",
      };
      expect(read(encoding.request(RESOURCE, spans))).toEqual([
        seen,
        { ...seen, kind: "CLIENT", failed: true, flags: 0x101 },
      ]);
    });

    test("may have many spans, and long ones", () => {
      const long: [string, string] = ["url.path", "x".repeat(1_024)];
      const span = encoding.span({ ...SPAN, attributes: [long] });
      const spans = read(
        encoding.request(RESOURCE, Array.from({ length: 1_000 }, () => span)),
      );
      expect(spans).toHaveLength(1_000);
      expect(spans.at(-1)?.attributes).toEqual(Object.fromEntries([long]));
    });
  });
}
