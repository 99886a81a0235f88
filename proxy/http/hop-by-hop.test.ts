import { describe, expect, test } from "bun:test";
import { Field } from "./field.ts";
import { Hop, splitHop } from "./hop-by-hop.ts";

const REQUEST = { mayUpgrade: true };
const RESPONSE = { mayUpgrade: false };

function split(
  lines: Record<string, string>,
  { mayUpgrade }: { mayUpgrade: boolean },
) {
  const fields = Object.entries(lines).map(([name, value]) =>
    Field.of(name, value)
  );
  const hop = splitHop(fields, mayUpgrade);
  return {
    fields: fields.map((field) => field.name.text),
    close: (hop & Hop.close) !== 0,
    keepAlive: (hop & Hop.keepAlive) !== 0,
    upgrade: (hop & Hop.upgrade) !== 0,
  };
}

describe("splitHop()", () => {
  test("takes out the fields of one connection and those connection names", () => {
    const hop = split({
      "connection": "Close, X-Private , ",
      "keep-alive": "timeout=5",
      "proxy-connection": "keep-alive",
      "upgrade": "websocket",
      "x-private": "1",
      "accept": "*/*",
    }, RESPONSE);
    expect(hop).toEqual({
      fields: ["accept"],
      close: true,
      keepAlive: false,
      upgrade: false,
    });
  });

  test("reads keep-alive whatever its case", () => {
    expect(split({ connection: "Keep-Alive" }, REQUEST).keepAlive).toBeTrue();
  });

  test("keeps connection and upgrade of a request to change protocol", () => {
    const hop = split({
      "connection": "keep-alive, Upgrade",
      "upgrade": "websocket",
      "keep-alive": "timeout=5",
      "sec-websocket-version": "13",
    }, REQUEST);
    expect(hop.upgrade).toBeTrue();
    expect(hop.fields).toEqual([
      "connection",
      "upgrade",
      "sec-websocket-version",
    ]);
  });

  test.each(["h2c", "H2C", "websocket, h2c"])(
    "never takes upgrade to %s for an upgrade",
    (protocols) => {
      const hop = split({
        "connection": "Upgrade, HTTP2-Settings",
        "upgrade": protocols,
        "http2-settings": "AAMAAABkAARAAAAAAAIAAAAA",
        "accept": "*/*",
      }, REQUEST);
      expect(hop.upgrade).toBeFalse();
      expect(hop.fields).toEqual(["accept"]);
    },
  );

  test("keeps te only when it is trailers, even if connection names it", () => {
    expect(split({ connection: "te", te: "Trailers" }, REQUEST).fields)
      .toEqual(["te"]);
    expect(split({ te: "gzip" }, REQUEST).fields).toEqual([]);
  });
});
