import { test } from "bun:test";
import { ACCOUNT, type Case, expectMistakes } from "../testing/mistakes.ts";

test("MeshTLSAuthentication: identities or references, each such as there can be", () => {
  const kind = "MeshTLSAuthentication";
  const good = [
    "*",
    "*.shop.example",
    "a.b",
    "spiffe://td.example/a/B_c.d-e",
    "spiffe://td",
  ];
  const bad = [
    "",
    "a.*.b",
    "*a.b",
    "A.b",
    "a..b",
    "-a",
    "spiffe://",
    "spiffe://TD/a",
    "spiffe://td/a/",
    "spiffe://td/a//b",
    "spiffe://td/../b",
    "spiffe://td/a b",
    "https://td/a",
  ];
  expectMistakes([
    ...good.map((text): Case => [kind, { identities: [text] }, null]),
    ...bad.map((
      text,
    ): Case => [
      kind,
      { identities: ["*", text] },
      `spec.identities[1] is ${
        JSON.stringify(text)
      }, expected a workload's name, or a SPIFFE ID`,
    ]),
    [
      kind,
      { identityRefs: [ACCOUNT, { kind: "Namespace", name: "shop" }] },
      null,
    ],
    [kind, { identityRefs: [{ ...ACCOUNT, namespace: "b" }] }, null],
    [kind, {}, "spec.identities is missing, expected at least one entry"],
    [
      kind,
      { identityRefs: [] },
      "spec.identityRefs is a list, expected at least one entry",
    ],
    [
      kind,
      { identities: ["*"], identityRefs: [ACCOUNT] },
      "expected nothing beside spec.identities",
    ],
    [
      kind,
      { identityRefs: [{ kind: "Pod", name: "a" }] },
      'spec.identityRefs[0].kind is "Pod", expected one of ServiceAccount',
    ],
    [
      kind,
      { identityRefs: [{ kind: "Namespace", name: "a", namespace: "b" }] },
      'spec.identityRefs[0].namespace is "b", expected no namespace',
    ],
  ]);
});

test("networks: what can be read, with exceptions that lie inside and leave something", () => {
  const kind = "NetworkAuthentication";
  const of = (cidr: string, ...except: string[]) => ({
    networks: [{ cidr, except }],
  });
  expectMistakes([
    [kind, of("10.0.0.0/8", "10.1.0.0/16", "10.2.3.4"), null],
    [kind, of("10.1.2.3"), null],
    [kind, of("fd00::/8", "fd00:1::/32"), null],
    [
      kind,
      { networks: [] },
      "spec.networks is a list, expected at least one network",
    ],
    [
      kind,
      of("10.0.0.0/33"),
      'spec.networks[0].cidr is "10.0.0.0/33", expected a network or an IP address',
    ],
    [
      kind,
      of("10.0.0.0/8", "10.0.0.0/8"),
      'spec.networks[0].except[0] is "10.0.0.0/8", expected less than all of 10.0.0.0/8',
    ],
    [
      kind,
      of("10.0.0.0/8", "0.0.0.0/0"),
      "expected less than all of 10.0.0.0/8",
    ],
    [
      kind,
      of("10.0.0.0/8", "192.168.0.0/16"),
      "expected a network inside 10.0.0.0/8",
    ],
    [kind, of("10.0.0.0/8", "fd00::1"), "expected a network inside 10.0.0.0/8"],
    [
      kind,
      of("10.0.0.0/8", "ten"),
      'spec.networks[0].except[0] is "ten", expected a network or an IP address',
    ],
    [
      kind,
      { networks: [{ cidr: "10.0.0.0/8", excpet: ["10.1.0.0/16"] }] },
      "spec.networks[0].excpet is a list, expected no such field; known are cidr, except",
    ],
  ]);
});

test("ServerAuthorization: Servers in one way, clients in one", () => {
  const kind = "ServerAuthorization";
  const of = (client: object) => ({ server: { name: "web" }, client });
  expectMistakes([
    [
      kind,
      of({ unauthenticated: true, networks: [{ cidr: "10.0.0.1" }] }),
      null,
    ],
    [kind, of({ meshTLS: { unauthenticatedTLS: true } }), null],
    [
      kind,
      of({ meshTLS: { identities: ["*"], serviceAccounts: [{ name: "a" }] } }),
      null,
    ],
    [
      kind,
      { server: { selector: { matchLabels: { a: "b" } } }, client: {} },
      null,
    ],
    [
      kind,
      { server: {}, client: {} },
      "spec.server is missing, expected either name or selector",
    ],
    [
      kind,
      { server: { name: "a", selector: {} }, client: {} },
      "spec.server is a map of fields, expected either name or selector",
    ],
    [
      kind,
      { server: { selektor: {} }, client: {} },
      "spec.server.selektor is a map of fields, expected no such field",
    ],
    [
      kind,
      of({ unauthenticated: true, meshTLS: { identities: ["*"] } }),
      "spec.client.meshTLS is a map of fields, expected nothing beside unauthenticated: true",
    ],
    [
      kind,
      of({ meshTLS: { unauthenticatedTLS: true, identities: ["*"] } }),
      "spec.client.meshTLS.unauthenticatedTLS is true, expected nothing beside identities",
    ],
    [
      kind,
      of({
        meshTLS: { unauthenticatedTLS: true, serviceAccounts: [{ name: "a" }] },
      }),
      "expected nothing beside identities and serviceAccounts",
    ],
    [
      kind,
      of({ meshTLS: { identities: ["a..b"] } }),
      "spec.client.meshTLS.identities[0]",
    ],
    [
      kind,
      of({ networks: [{ cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] }] }),
      "spec.client.networks[0].except[0]",
    ],
  ]);
});
