/** Prometheus' text format. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The metrics page, compressed when the client takes gzip. */
export function metricsPage(
  page: string,
  acceptEncoding: string | null,
): Response {
  const headers = { "content-type": CONTENT_TYPE, "vary": "accept-encoding" };
  if (!acceptsGzip(acceptEncoding)) return new Response(page, { headers });
  const body = Bun.gzipSync(new TextEncoder().encode(page), { level: 1 });
  return new Response(body, {
    headers: { ...headers, "content-encoding": "gzip" },
  });
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
