import { expect, test } from "bun:test";
import { fromTcpAddress, toTcpAddress } from "./address.ts";
import { type Authority, parseAuthority } from "./authority.ts";
import { parseToken } from "./token.ts";

test("parseAuthority() reads complete names and addresses only", () => {
  const service = { namespace: "shop", name: "web" };
  const cases: [text: string, expected: Authority][] = [
    ["web.shop.svc.cluster.local", {
      kind: "service",
      service,
      hostname: null,
      port: 80,
    }],
    ["db-0.web.shop.svc.cluster.local:5432", {
      kind: "service",
      service,
      hostname: "db-0",
      port: 5432,
    }],
    ["web.shop.svc.clusterset.local:81", {
      kind: "import",
      service,
      hostname: null,
      port: 81,
    }],
    ["10.0.0.1:80", { kind: "address", ip: "10.0.0.1", port: 80 }],
    ["[fd00:0::1]:80", { kind: "address", ip: "fd00::1", port: 80 }],
    ["foo", { kind: "invalid" }],
    ["shop.svc.cluster.local", { kind: "invalid" }],
    ["a.b.web.shop.svc.cluster.local", { kind: "invalid" }],
    [".shop.svc.cluster.local", { kind: "invalid" }],
    ["web.shop.svc.other.domain:80", { kind: "invalid" }],
    ["web.shop.svc.cluster.local:65536", { kind: "invalid" }],
    ["web.shop.svc.cluster.local:http", { kind: "invalid" }],
    ["", { kind: "invalid" }],
  ];
  for (const [text, expected] of cases) {
    expect({ text, got: parseAuthority(text, "cluster.local") })
      .toEqual({ text, got: expected });
  }
});

test("parseToken() takes what it can, and nobody for the rest", () => {
  const cases: [text: string, namespace: string | null, node: string | null][] =
    [
      ['{"ns":"shop","nodeName":"n1","pod":"a"}', "shop", "n1"],
      ['{"ns":"shop","nodeName":""}', "shop", null],
      ['{"nodeName":7}', null, null],
      ["ns:shop", "shop", null],
      ["{", null, null],
      ["", null, null],
      ["null", null, null],
    ];
  for (const [text, namespace, nodeName] of cases) {
    expect({ text, ...parseToken(text) }).toEqual({
      text,
      namespace,
      nodeName,
    });
  }
});

test("toTcpAddress() and fromTcpAddress() undo each other", () => {
  for (
    const ip of ["0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "fd00::1:2"]
  ) {
    const address = { ip, port: 8080 };
    expect(fromTcpAddress(toTcpAddress(address))).toEqual(address);
  }
  expect(fromTcpAddress(toTcpAddress({ ip: "10.0.0.1", port: 0 }))).toBeNull();
  expect(fromTcpAddress(toTcpAddress({ ip: "none", port: 80 }))).toBeNull();
});
