import { expect, test } from "bun:test";
import { parseNetwork } from "../../../schemas/address.ts";
import type { Authentication, ClientRoute } from "../../../schemas/policy.ts";
import { toServer } from "./inbound.ts";
import { toOutboundPolicy } from "./outbound.ts";
import { parseWorkload } from "./request.ts";

const NAMED = { kind: "default", name: "r" } as const;

test("toOutboundPolicy() refuses in the words of each protocol", () => {
  const refused = (kind: "forbidden" | "invalid"): ClientRoute => ({
    meta: NAMED,
    outcome: { kind, message: "no" },
  });
  const injected = (status: number) => ({
    case: "failureInjector",
    value: { status, message: "no" },
  });
  const cases = [
    ["http1", "forbidden", injected(403)],
    ["http2", "invalid", injected(500)],
    ["opaque", "forbidden", { case: "forbidden" }],
    ["opaque", "invalid", { case: "invalid", value: { message: "no" } }],
  ] as const;
  for (const [protocol, outcome, filter] of cases) {
    const route = refused(outcome);
    const policy = toOutboundPolicy({
      parent: NAMED,
      protocol: protocol === "opaque"
        ? { kind: protocol, opaque: route }
        : { kind: protocol, http: route },
    });
    expect(policy.protocol?.kind).toMatchObject({
      case: protocol,
      value: {
        routes: [{
          rules: [{
            backends: { kind: { case: "empty" } },
            filters: [{ kind: filter }],
          }],
        }],
      },
    });
  }
});

test("toServer() says who is permitted, from where and as whom", () => {
  const cases: [Authentication, object][] = [
    [{ kind: "unauthenticated" }, { case: "unauthenticated" }],
    [{ kind: "tls" }, {
      case: "meshTLS",
      value: { clients: { case: "unauthenticated" } },
    }],
    [
      {
        kind: "identities",
        identities: new Set(["a.b"]),
        suffixes: ["", "svc.c"],
      },
      {
        case: "meshTLS",
        value: {
          clients: {
            case: "identities",
            value: {
              identities: [{ name: "a.b" }],
              suffixes: [{ parts: [] }, { parts: ["svc", "c"] }],
            },
          },
        },
      },
    ],
  ];
  const meta = { group: "policy.linkerd.io", kind: "server", name: "s" };
  for (const [authentication, permit] of cases) {
    const network = parseNetwork("10.0.0.0/8");
    const except = [parseNetwork("10.1.2.3")];
    const server = toServer({
      protocol: { kind: "tls" },
      authorizations: [{
        networks: [{ network, except }],
        authentication,
        meta,
      }],
      meta,
    });
    expect(server).toMatchObject({
      protocol: { kind: { case: "tls" } },
      labels: meta,
      authorizations: [{
        labels: meta,
        metadata: { kind: { case: "resource", value: meta } },
        authentication: { permit },
        networks: [{
          net: { ip: { ip: { value: 0x0a000000 } }, prefixLen: 8 },
          except: [{ ip: { ip: { value: 0x0a010203 } }, prefixLen: 32 }],
        }],
      }],
    });
  }
});

test("parseWorkload() reads both forms", () => {
  const pod = { pod: { namespace: "shop", name: "a" } };
  const cases = [
    ["shop:a", pod],
    ['{"ns":"shop","pod":"a"}', pod],
    ['{"ns":"shop","external_workload":"vm"}', {
      external: { namespace: "shop", name: "vm" },
    }],
    ['{"ns":"shop"}', "invalid"],
    ['{"pod":"a"}', "invalid"],
    ["shop:", "invalid"],
    ["a:b:c", "invalid"],
    ["{]", "invalid"],
  ] as const;
  for (const [text, expected] of cases) {
    expect({ text, got: parseWorkload(text) }).toEqual({ text, got: expected });
  }
});
