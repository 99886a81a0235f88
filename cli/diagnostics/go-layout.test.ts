import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import {
  ProxyProtocolSchema,
  ServerSchema,
} from "../../schemas/proto/gen/inbound_pb.ts";
import { RetryBudgetSchema } from "../../schemas/proto/gen/destination_pb.ts";
import { TcpAddressSchema } from "../../schemas/proto/gen/net_pb.ts";
import { layOut } from "./go-layout.ts";
import { printJson, printYaml } from "./print.ts";

test("choices are fields of their own, empty fields are left out, the rest is named as in the .proto", () => {
  const server = create(ServerSchema, {
    protocol: {
      kind: { case: "detect", value: { timeout: { seconds: 10n } } },
    },
    authorizations: [{
      authentication: {
        permit: {
          case: "meshTLS",
          value: {
            clients: {
              case: "identities",
              value: { identities: [{ name: "web" }] },
            },
          },
        },
      },
    }],
    labels: { name: "web", group: "" },
  });
  expect(printYaml(layOut(ServerSchema, server))).toBe(`\
authorizations:
- authentication:
    Permit:
      MeshTLS:
        Clients:
          Identities:
            identities:
            - name: web
labels:
  group: ""
  name: web
protocol:
  Kind:
    Detect:
      timeout:
        seconds: 10
`);
});

test("a choice that is not made is null", () => {
  expect(layOut(ProxyProtocolSchema, create(ProxyProtocolSchema))).toEqual({
    Kind: null,
  });
});

test("addresses keep every digit and are told in comments of YAML", () => {
  const ipv6 = create(TcpAddressSchema, {
    ip: {
      ip: {
        case: "ipv6",
        value: { first: 0xfd00_0000_0000_0001n << 0n, last: 2n ** 64n - 1n },
      },
    },
    port: 80,
  });
  const laid = layOut(TcpAddressSchema, ipv6);
  expect(printYaml(laid)).toBe(`\
ip:
  Ip:
    Ipv6: { first: 18230571291595767809, last: 18446744073709551615 } # fd00::1:ffff:ffff:ffff:ffff
port: 80
`);
  expect(printJson(laid)).toContain('"last": 18446744073709551615\n');
  const ipv4 = create(TcpAddressSchema, {
    ip: { ip: { case: "ipv4", value: 0x0a01_0005 } },
  });
  expect(printYaml(layOut(TcpAddressSchema, ipv4))).toBe(
    "ip:\n  Ip:\n    Ipv4: 167837701 # 10.1.0.5\n",
  );
});

test("numbers of 32 bits are as short as in Go", () => {
  const budget = create(RetryBudgetSchema, { retryRatio: Math.fround(0.2) });
  expect(layOut(RetryBudgetSchema, budget)).toEqual({ retry_ratio: 0.2 });
});
