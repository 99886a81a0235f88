/** Three fields, as wrk sends them. */
const FEW = `GET / HTTP/1.1\r
Host: web\r
User-Agent: wrk/4.1\r
Accept: */*\r
\r
`;

/** Eleven fields, as a browser behind an ingress sends them; path, request id and trace parent are unique. */
const many = (): string =>
  `GET /items/${unique(12)} HTTP/1.1\r
Host: web\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r
Accept: text/html,application/xhtml+xml\r
Accept-Language: en-US,en;q=0.9\r
Accept-Encoding: gzip, deflate\r
Authorization: Bearer ${"x".repeat(200)}\r
Cookie: session=abc\r
X-Request-Id: ${unique(12)}\r
Traceparent: 00-${unique(32)}-${unique(16)}-01\r
Referer: http://web/\r
\r
`;

/** What nginx answers to a request for a few bytes. */
export const RESPONSE: Uint8Array = encode(`HTTP/1.1 200 OK\r
Server: nginx/1.22.1\r
Date: Sun, 22 Nov 2026 14:27:28 GMT\r
Content-Type: text/plain\r
Content-Length: 5\r
Connection: keep-alive\r
\r
hello`);

/** Distinct requests that the clients send in turn: more than any cache remembers by chance. */
const DISTINCT = 4096;

/** Encoded requests, made beforehand. */
export function createRequests(fields: "few" | "many"): readonly Uint8Array[] {
  return fields === "few"
    ? [encode(FEW)]
    : Array.from({ length: DISTINCT }, () => encode(many()));
}

function unique(digits: number): string {
  let text = "";
  while (text.length < digits) text += Math.random().toString(16).slice(2);
  return text.slice(0, digits);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
