import { expect, test } from "bun:test";
import { parseResponse, UNTIL_CLOSE } from "./response.ts";

const parse = (text: string, method = "GET") =>
  parseResponse(Buffer.from(text), method);

test("a response ends with its content length, whatever follows", () => {
  const text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  expect(parse(`${text}HTTP/1.1`)).toEqual({
    status: 200,
    length: text.length,
    keepAlive: true,
  });
  expect(parse(text.slice(0, -1))).toBeNull();
});

test("a chunked response ends after its trailers", () => {
  const text =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\na: b\r\n\r\n";
  expect(parse(text)?.length).toBe(text.length);
  for (let cut = 1; cut < text.length; cut++) {
    expect(parse(text.slice(0, cut))).toBeNull();
  }
});

test("interim responses are passed over", () => {
  expect(
    parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
  ).toMatchObject({ status: 204, keepAlive: true });
});

test("HEAD and 304 have no body, whatever their fields say", () => {
  const head = "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n";
  expect(parse(head)?.length).toBe(head.length);
  const ok = head.replace("304 Not Modified", "200 OK");
  expect(parse(ok, "HEAD")?.length).toBe(ok.length);
});

test("connection: close, HTTP/1.0 and a missing length end keep-alive", () => {
  const fields = "Content-Length: 0\r\n\r\n";
  expect(parse(`HTTP/1.1 200 OK\r\nConnection: close\r\n${fields}`)?.keepAlive)
    .toBe(false);
  expect(parse(`HTTP/1.0 200 OK\r\n${fields}`)?.keepAlive).toBe(false);
  expect(parse("HTTP/1.1 200 OK\r\n\r\n")?.length).toBe(UNTIL_CLOSE);
});

test("anything else is refused", () => {
  expect(() => parse("SSH-2.0-x\r\n\r\n")).toThrow("not an HTTP/1 response");
});
