import { expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { requestHead } from "../testing/http1.ts";
import { requestAttributes, spanName } from "./attributes.ts";

test("a request is told with method, URL, server, client and what frames its body", () => {
  const head = requestHead("POST", "/cart/items?id=1&sig=secret", {
    authority: "shop.example.org:8443",
    "user-agent": "tester/1.0",
    "content-length": "12",
    "content-type": "text/plain",
    "l5d-orig-proto": "HTTP/1.1",
    authorization: "Bearer secret",
  }, "2");
  head.scheme = Field.of(":scheme", "https");
  expect(spanName(head)).toBe("/cart/items");
  expect(requestAttributes(head, "inbound")).toEqual([
    ["direction", "inbound"],
    ["http.request.method", "POST"],
    ["url.scheme", "https"],
    ["url.path", "/cart/items"],
    [
      "url.full",
      "https://shop.example.org:8443/cart/items?id=1&sig=REDACTED",
    ],
    ["network.transport", "tcp"],
    ["url.query", "id=1&sig=REDACTED"],
    ["server.address", "shop.example.org"],
    ["server.port", 8443],
    ["user_agent.original", "tester/1.0"],
    ["http.request.header.content-length", "12"],
    ["http.request.header.content-type", "text/plain"],
    ["http.request.header.l5d-orig-proto", "HTTP/1.1"],
  ]);
});

test("credentials in a URL are not told", () => {
  const host = "ann:pass@web.shop";
  const head = requestHead("GET", "/", { host });
  const told = JSON.stringify(requestAttributes(head, "outbound"));
  expect(told).toContain('["url.full","http://REDACTED:REDACTED@web.shop/"]');
  expect(told).toContain('["server.address","web.shop"],["server.port",80]');
  expect(told).not.toContain("pass");
});

test("what is not there is left out, and what is long is cut", () => {
  const head = requestHead("GET", `/${"x".repeat(30_000)}?y`);
  const told = new Map(requestAttributes(head, "outbound"));
  expect(spanName(head)).toHaveLength(1_024);
  expect(String(told.get("url.full"))).toHaveLength(1_024);
  expect(told.has("server.address")).toBeFalse();
  expect(told.has("user_agent.original")).toBeFalse();
});

test("a query keeps all values but those that sign it", () => {
  const head = requestHead(
    "GET",
    "/o?X-Amz-Signature=a&X-Amz-Date=b&sig&Sig=c&X-Goog-Signature=d",
  );
  expect(new Map(requestAttributes(head, "outbound")).get("url.query")).toBe(
    "X-Amz-Signature=REDACTED&X-Amz-Date=b&sig=REDACTED&Sig=c&X-Goog-Signature=REDACTED",
  );
});
