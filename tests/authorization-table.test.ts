// Every default policy, caller, Server and kind of authorization, on HTTP/1, HTTP/2, gRPC and TCP: from the objects as
// they are written to what the inbound side does, over the wire format. `authorization.test.ts` shows the same through
// real proxies.
import { toBinary } from "@bufbuild/protobuf";
import { expect, test } from "bun:test";
import {
  authorizationManifest,
  indexOf,
  policyOf,
  routeManifest,
} from "../control/testing/policies.ts";
import { toServer } from "../control/serve/policy/inbound.ts";
import { authorizeBytes, type Caller } from "../proxy/authorize.ts";
import { createEarly } from "../proxy/http/early.ts";
import type { RequestHead } from "../proxy/http/message.ts";
import type { App } from "../proxy/inbound/apps.ts";
import { createInboundRecorder } from "../proxy/inbound/recorder.ts";
import { createRequests } from "../proxy/inbound/requests.ts";
import { enforce } from "../proxy/policy/enforcement.ts";
import { createRegistry } from "../proxy/record.ts";
import { createFamilies } from "../proxy/record/families.ts";
import { requestHead } from "../proxy/testing/http1.ts";
import { decodeServerPolicy } from "../proxy/wire/server-policy.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import { ServerSchema } from "../schemas/proto/gen/inbound_pb.ts";
import {
  CALLER_NAMES,
  type CallerName,
  CALLERS,
  MODE_NAMES,
  MODES,
  type Row,
  ROWS,
} from "./testing/truth-table.ts";

const recorder = createInboundRecorder(
  createFamilies(createRegistry({ retainIdleMs: 1_000 })),
);

const REQUESTS: Readonly<Record<string, () => RequestHead>> = {
  "HTTP/1": () => requestHead("GET", "/a", { host: "web" }),
  "HTTP/2": () => requestHead("GET", "/a", { authority: "web" }, "2"),
  "gRPC": () =>
    requestHead("POST", "/a.B/C", {
      authority: "web",
      "content-type": "application/grpc",
    }, "2"),
};

function row(name: string): Row {
  const found = ROWS.find((one) => one.name === name);
  if (found === undefined) throw new Error(name);
  return found;
}

/** A policy as a proxy gets it. */
function transmit(policy: ServerPolicy): ServerPolicy {
  const notices = new Set<string>();
  const bytes = toBinary(ServerSchema, toServer(policy));
  const received = decodeServerPolicy(bytes, notices);
  expect([...notices]).toEqual([]);
  return received;
}

/** What becomes of a request: that it is forwarded, or why not. */
function outcomeOf(
  policy: ServerPolicy,
  caller: Caller,
  head: RequestHead,
): string {
  const requests = createRequests({
    app: { release() {} } as App,
    port: {
      number: 8080,
      policy,
      enforcement: enforce(policy, null),
      habits: { speaksFirst: false, speaksHttp: true },
      subscribe: () => () => {},
      release() {},
    },
    caller,
    connection: {
      target: { ip: "10.1.0.1", port: 8080 },
      tls: { kind: "none", reason: "no_tls_from_remote" },
    },
    recorder,
    inFlight: { count: 0, max: 1 },
    early: createEarly(null),
    audited() {},
    revoked() {},
  });
  const next = requests.next(head);
  requests.release();
  return "kind" in next ? next.kind : "forwarded";
}

test("every policy lets in whom it should and nobody else, whatever is spoken", () => {
  let cases = 0;
  const wrong: unknown[] = [];
  for (const defaultPolicy of MODE_NAMES) {
    for (const row of ROWS) {
      const index = indexOf(row.manifests, {
        defaultInboundPolicy: defaultPolicy,
      });
      const policy = transmit(policyOf(index));
      const permitted: readonly CallerName[] = row.permitted ??
        MODES[defaultPolicy];
      for (const caller of CALLER_NAMES) {
        const may = permitted.includes(caller);
        for (const [protocol, head] of Object.entries(REQUESTS)) {
          const found = outcomeOf(policy, CALLERS[caller], head());
          const expected = may ? "forwarded" : "denied";
          cases++;
          if (found !== expected) {
            wrong.push({ defaultPolicy, row: row.name, caller, protocol });
          }
        }
        const bytes = (row.bytes ?? permitted).includes(caller);
        const decision = authorizeBytes(policy, CALLERS[caller]).kind;
        cases++;
        if (decision !== (bytes ? "permit" : "denial")) {
          wrong.push({ defaultPolicy, row: row.name, caller, protocol: "TCP" });
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(cases).toBe(MODE_NAMES.length * ROWS.length * CALLER_NAMES.length * 4);
});

test("a thousand policies are a thousand policies: each lets in its own", () => {
  const numbers = Array.from({ length: 1_000 }, (_, at) => at);
  const ref = (kind: string, name: string) => ({
    group: "policy.linkerd.io",
    kind,
    name,
  });
  const policy = transmit(policyOf(indexOf([
    ...row("Server").manifests,
    ...numbers.flatMap((at) => [
      routeManifest("HTTPRoute", `route-${at}`, ["web"], [{
        matches: [{ path: { value: `/service-${at}` } }],
      }]),
      authorizationManifest(`policy-${at}`, ref("HTTPRoute", `route-${at}`), [{
        kind: "ServiceAccount",
        name: `client-${at}`,
      }]),
    ]),
  ])));
  const as = (at: number): Caller => ({
    ip: "10.1.0.9",
    tls: {
      id: `client-${at}.shop.serviceaccount.identity.linkerd.cluster.local`,
    },
  });
  const ask = (caller: number, path: string) =>
    outcomeOf(policy, as(caller), requestHead("GET", path, { host: "web" }));
  for (const at of [0, 1, 10, 100, 499, 998, 999]) {
    expect(ask(at, `/service-${at}`)).toBe("forwarded");
    expect(ask(at, `/service-${at}/x?y`)).toBe("forwarded");
    expect(ask(at, `/service-${(at + 1) % 1_000}`)).toBe("denied");
    expect(ask(at, `/service-${at}x`)).toBe("no-route");
  }
});

test("a Server's protocol decides what passes: HTTP ports take no bytes, opaque ones no less", () => {
  for (
    const [declared, bytes] of [
      ["unknown", "permit"],
      ["opaque", "permit"],
      ["TLS", "permit"],
      ["HTTP/1", "denial"],
      ["HTTP/2", "denial"],
      ["gRPC", "denial"],
    ] as const
  ) {
    const [base] = row("Server audit").manifests;
    const spec = { ...(base?.["spec"] as object), proxyProtocol: declared };
    const policy = transmit(policyOf(indexOf([{ ...base, spec }])));
    for (const caller of CALLER_NAMES) {
      expect({ declared, bytes: authorizeBytes(policy, CALLERS[caller]).kind })
        .toEqual({ declared, bytes });
    }
  }
});
