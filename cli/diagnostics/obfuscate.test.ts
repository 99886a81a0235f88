import { expect, test } from "bun:test";
import { obfuscate } from "./obfuscate.ts";

test("values of telling labels become the first digits of their SHA-256, nothing else changes", () => {
  const text = `# HELP request_total Requests, authority="none"
request_total{direction="inbound",authority="web.shop:80",dst_namespace="shop",tls="true"} 3 1700000000
request_total{authority="a\\"b\\\\,client_id=\\"",peer="src"} 1
`;
  expect(obfuscate(text)).toBe(
    `# HELP request_total Requests, authority="none"
request_total{direction="inbound",authority="0b5893ba",dst_namespace="8d9001d3",tls="true"} 3 1700000000
request_total{authority="e7a76ba0",peer="src"} 1
`,
  );
});
