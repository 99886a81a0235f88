import type { Answer } from "./answer.ts";

/** Prometheus' text format. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Answers with the metrics page, compressed when the client takes gzip, one piece per event-loop turn. */
export function metricsPage(
  pieces: Generator<string>,
  acceptEncoding: string | null,
): Answer {
  const headers = { "content-type": CONTENT_TYPE, "vary": "accept-encoding" };
  const body = stream(pieces);
  if (!acceptsGzip(acceptEncoding)) return { status: 200, headers, body };
  return {
    status: 200,
    headers: { ...headers, "content-encoding": "gzip" },
    body: body.pipeThrough(new CompressionStream("gzip")),
  };
}

/** Whether `gzip` is listed with a weight other than zero (RFC 9110 12.5.3). */
export function acceptsGzip(acceptEncoding: string | null): boolean {
  return (acceptEncoding ?? "").split(",").some((item) => {
    const [coding = "", weight = "q=1"] = item.trim().toLowerCase().split(
      /\s*;\s*/,
    );
    return coding === "gzip" && !/^q=0(\.0*)?$/.test(weight);
  });
}

function stream(
  pieces: Generator<string>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      const { done, value } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel() {
      pieces.return(undefined);
    },
  });
}
