// What the proxy writes of spans, as OpenTelemetry's collector understands it.
import { beforeAll, expect, test } from "bun:test";
import { resolve } from "node:path";
import type { Encoding } from "../../proxy/trace/encoding.ts";
import { json } from "../../proxy/trace/json.ts";
import { protobuf } from "../../proxy/trace/protobuf.ts";
import type { Span } from "../../proxy/trace/span.ts";
import { SPAN } from "../../proxy/trace/testing/spans.ts";
import { readJson } from "../testing/otlp.ts";
import { BUILD_TIMEOUT_MS, goTool } from "../tools.ts";

const ROOT = resolve(import.meta.dir, "../..");
const RESOURCE = [["service.name", "web"], ["process.pid", 4_000_000]] as const;
const SENT: Span = { ...SPAN, kind: "client", name: "", failed: true };

let reader: string;
beforeAll(async () => {
  reader = resolve(ROOT, await goTool("otlp-reader"));
}, BUILD_TIMEOUT_MS);

/** What the collector's own parser makes of a request, printed by it. */
async function understood(form: string, request: Uint8Array): Promise<string> {
  const child = Bun.spawn([reader, form], {
    stdin: new Blob([Uint8Array.from(request)]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, complaint, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(complaint);
  return out;
}

const FORMS: readonly (readonly [name: string, encoding: Encoding])[] = [
  ["json", json],
  ["protobuf", protobuf],
];

for (const [form, encoding] of FORMS) {
  test(`a collector understands all of a request in ${form}`, async () => {
    const spans = [SPAN, SENT].map((span) => encoding.span(span));
    const text = await understood(form, encoding.request(RESOURCE, spans));
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
      attributes: Object.fromEntries(SPAN.attributes),
      resource: Object.fromEntries(RESOURCE),
      scope: "linkerd-proxy",
    };
    expect(readJson(text)).toEqual([
      seen,
      { ...seen, kind: "CLIENT", name: "", failed: true, flags: 0x101 },
    ]);
  });
}

test("a collector says what it cannot understand", async () => {
  await expect(understood("json", Buffer.from('{"resourceSpans":1}')))
    .rejects.toThrow();
  await expect(understood("protobuf", Uint8Array.of(0x0a, 0xff)))
    .rejects.toThrow();
});
