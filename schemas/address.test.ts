import { describe, expect, test } from "bun:test";
import {
  contains,
  formatAddress,
  formatIp,
  parseAddress,
  parseHostPort,
  parseIp,
  parseNetwork,
} from "./address.ts";

/** Canonical text of what was read; null when nothing was. */
function canonical(text: string): string | null {
  const bytes = parseIp(text);
  return bytes === null ? null : formatIp(bytes);
}

describe("parseIp() and formatIp()", () => {
  test.each([
    ["10.0.0.1", "10.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["fe80::0202:b3ff", "fe80::202:b3ff"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
    ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
  ])("%s is %s", (text, wanted) => {
    expect(canonical(text)).toBe(wanted);
    expect(canonical(wanted)).toBe(wanted);
  });

  test.each([
    "",
    "10.0.0",
    "10.0.0.1.2",
    "10.0.0.256",
    "10.0.0.01",
    "10.0.0.-1",
    "1e1.0.0.1",
    "host.name",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::1.2.3",
    "::1.2.3.256",
    "1.2.3.4::",
    "fe80::1%eth0",
    "[::1]",
  ])("%p is no address", (text) => expect(parseIp(text)).toBeNull());
});

describe("parseAddress()", () => {
  test.each([
    ["127.0.0.1:4140", "127.0.0.1:4140"],
    ["[::1]:80", "[::1]:80"],
    ["[2001:DB8::0:1]:65535", "[2001:db8::1]:65535"],
  ])("%s is written %s", (text, wanted) => {
    expect(formatAddress(parseAddress(text))).toBe(wanted);
  });

  test.each([
    "127.0.0.1",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "::1:80",
    "web:80",
  ])(
    "refuses %s and says what it expected",
    (text) =>
      expect(() => parseAddress(text)).toThrow(
        `Cannot read address "${text}": expected ip:port`,
      ),
  );
});

test.each([
  ["web:80", undefined, { host: "web", port: 80 }],
  ["web", 8080, { host: "web", port: 8080 }],
  ["[::1]:443", undefined, { host: "::1", port: 443 }],
  ["[::1]", 443, { host: "::1", port: 443 }],
  ["web", undefined, null],
  ["web:", 80, null],
  ["web:99999", undefined, null],
  ["web:-1", undefined, null],
  [":80", undefined, null],
  ["a:b:80", undefined, null],
  ["[::1", 80, null],
  ["[::1]80", 80, null],
])("parseHostPort(%p, %p)", (text, defaultPort, wanted) => {
  expect(parseHostPort(text, defaultPort)).toEqual(wanted);
});

describe("parseNetwork() and contains()", () => {
  test.each<readonly [string, string, boolean]>([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.16.0.0/12", "10.31.255.255", true],
    ["10.16.0.0/12", "10.32.0.0", false],
    ["10.1.2.3/8", "10.9.9.9", true],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["192.0.2.6/31", "192.0.2.7", true],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "10.0.0.1", false],
    ["fd00::/8", "fdff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["::1", "::1", true],
  ])("%s holds %s: %p", (network, ip, held) => {
    const bytes = parseIp(ip);
    if (bytes === null) throw new Error(`no address: ${ip}`);
    expect(contains(parseNetwork(network), bytes)).toBe(held);
  });

  test.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "::/129",
    "10.0.0/8",
    "web/8",
    "",
  ])(
    "refuses %p and says what it expected",
    (text) =>
      expect(() => parseNetwork(text)).toThrow("expected CIDR notation"),
  );
});
