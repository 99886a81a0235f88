import { describe, expect, test } from "bun:test";
import { requestHead } from "../testing/http1.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import { Field } from "./field.ts";
import { type RequestHead, ResponseHead } from "./message.ts";
import {
  downgradeRequest,
  isUpgraded,
  keepRequest,
  markResponse,
  origProto,
  upgradeRequest,
} from "./orig-proto.ts";

/** The head as the far proxy reads it: HTTP/2, with nothing looked for yet. */
function received(
  fields: Record<string, string>,
  authority = "web.shop:80",
): RequestHead {
  return requestHead("GET", "/x", { authority, ...fields }, "2");
}

describe("a request that is upgraded", () => {
  test.each(
    [
      ["1.1", false, "HTTP/1.1"],
      ["1.1", true, "HTTP/1.1; absolute-form"],
      ["1.0", false, "HTTP/1.0"],
      ["1.0", true, "HTTP/1.0; absolute-form"],
    ] as const,
  )("from HTTP/%s, absolute: %p, is marked %s", (version, absolute, mark) => {
    const head = requestHead("GET", "/", { host: "a" }, version);
    head.absolute = absolute;
    upgradeRequest(head);
    expect(linesOf(head.fields)).toEqual([`l5d-orig-proto: ${mark}`]);
    expect(isUpgraded(head)).toBeTrue();
    expect(origProto(received({ "l5d-orig-proto": mark })))
      .toEqual({ version, absolute });
  });

  test("bears its mark once, whatever the client claims and however often it is sent", () => {
    const head = requestHead("GET", "/", {
      host: "a",
      "l5d-orig-proto": "HTTP/1.0",
      accept: "*/*",
    });
    upgradeRequest(head);
    upgradeRequest(head);
    expect(linesOf(head.fields))
      .toEqual(["accept: */*", "l5d-orig-proto: HTTP/1.1"]);
  });

  test("loses the mark again for an endpoint that gets HTTP/1", () => {
    const head = requestHead("GET", "/", { host: "a" });
    upgradeRequest(head);
    keepRequest(head);
    expect([linesOf(head.fields), isUpgraded(head)]).toEqual([[], false]);
  });

  test("is not one that was HTTP/2 from the start", () => {
    const head = received({});
    upgradeRequest(head);
    expect([linesOf(head.fields), isUpgraded(head)]).toEqual([[], false]);
  });
});

describe("a request that is restored", () => {
  const restore = (head: RequestHead): RequestHead => {
    const orig = origProto(head);
    if (orig === null) throw new Error("was not upgraded");
    downgradeRequest(head, orig);
    return head;
  };

  test("is in origin-form, its host from the authority", () => {
    const head = restore(received({ "l5d-orig-proto": "HTTP/1.1" }));
    expect([head.version, head.absolute, head.authority])
      .toEqual(["1.1", false, null]);
    expect(head.host?.text).toBe("web.shop:80");
    expect(head.host?.name.text).toBe("host");
    expect(linesOf(head.fields)).toEqual([]);
  });

  test("in absolute-form keeps a target that differs from its host", () => {
    const mark = "HTTP/1.1; absolute-form";
    const head = restore(received({ "l5d-orig-proto": mark, host: "b" }, "a"));
    expect([head.absolute, head.authority?.text, head.host?.text])
      .toEqual([true, "a", "b"]);
  });

  test("keeps its other fields and the length of its body", () => {
    const upgraded = received({
      accept: "*/*",
      "l5d-orig-proto": "HTTP/1.0",
      x: "y",
    });
    upgraded.contentLength = 7;
    const head = restore(upgraded);
    expect([head.version, head.contentLength]).toEqual(["1.0", 7]);
    expect(linesOf(head.fields)).toEqual(["accept: */*", "x: y"]);
  });

  test.each(["", "HTTP/2.0", "HTTP/1.1;absolute-form", "http/1.1"])(
    "is not one marked %p: that is genuine HTTP/2",
    (mark) =>
      expect(origProto(received({ "l5d-orig-proto": mark }))).toBeNull(),
  );
});

test("markResponse() says once what was restored", () => {
  const head = new ResponseHead("1.1", 200, [
    Field.of("l5d-orig-proto", "something"),
    Field.of("x", "y"),
  ]);
  markResponse(head, { version: "1.0", absolute: true });
  markResponse(head, { version: "1.0", absolute: true });
  expect(linesOf(head.fields)).toEqual(["x: y", "l5d-orig-proto: HTTP/1.0"]);
});
