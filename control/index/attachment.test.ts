import { expect, test } from "bun:test";
import type { OutboundRoute } from "../../schemas/kube.ts";
import { parseManifest } from "../../schemas/kube/manifest.ts";
import {
  applies,
  deletes,
  serverManifest,
  serviceManifest,
} from "../testing/objects.ts";
import { indexOf, policyManifest } from "../testing/policies.ts";
import { clientRoute, WEB } from "../testing/routes.ts";
import { attachmentOf, resolutionOf } from "./attachment.ts";

type Manifest = Record<string, unknown>;

const web = serviceManifest("web", "10.43.0.1", {
  spec: { ports: [{ name: "http", port: 80 }, { name: "admin", port: 81 }] },
});

function routeOf(manifest: Manifest): OutboundRoute {
  const reading = parseManifest(manifest);
  if (reading.kind !== "object" || !reading.object.kind.endsWith("Route")) {
    throw new Error("a route was expected");
  }
  return reading.object as OutboundRoute;
}

/** What becomes of a route's first parent: `attached`, `foreign`, or why it is not. */
function standing(index: ReturnType<typeof indexOf>, manifest: Manifest) {
  const route = routeOf(manifest);
  const [parent] = route.spec.parentRefs ?? [];
  if (parent === undefined) throw new Error("a parent was expected");
  const found = attachmentOf(route, parent, index);
  return found.kind === "detached"
    ? `${found.reason}: ${found.message}`
    : found.kind;
}

const onto = (...parentRefs: object[]) =>
  clientRoute("HTTPRoute", "r", [{}], { parentRefs });
const policy = (kind: string, name: string, more = {}) => ({
  group: "policy.linkerd.io",
  kind,
  name,
  ...more,
});

test("a parent must be there, and be something that clients call", () => {
  const imported = policyManifest("ServiceImport", "far", {
    ports: [{ name: "http", port: 80 }],
  }, { apiVersion: "multicluster.x-k8s.io/v1alpha1" });
  const egress = (name: string, cidr: string) =>
    policyManifest("EgressNetwork", name, {
      trafficPolicy: "Allow",
      networks: [{ cidr }],
    });
  const importRef = {
    group: "multicluster.x-k8s.io",
    kind: "ServiceImport",
    name: "far",
  };
  const index = indexOf([
    web,
    serviceManifest("headless", "None"),
    serviceManifest("ext", "", {
      spec: { clusterIP: undefined, type: "ExternalName", externalName: "a.b" },
    }),
    serverManifest("srv"),
    imported,
    egress("out", "203.0.113.0/24"),
    egress("in", "10.0.0.0/24"),
  ]);
  const none = (why: string) => `NoMatchingParent: ${why}`;
  const noAddress = (name: string) =>
    none(`Service shop/${name} has no address that clients call`);
  const cases: [parent: object, expected: string][] = [
    [WEB, "attached"],
    [{ kind: "Service", name: "web" }, "attached"],
    [{ ...WEB, port: 81 }, "attached"],
    [{ ...WEB, port: 80, sectionName: "http" }, "attached"],
    [{ ...WEB, port: 82 }, none("Service shop/web has no port of number 82")],
    [
      { ...WEB, port: 80, sectionName: "admin" },
      none("Service shop/web has no port of number 80 and name admin"),
    ],
    [{ ...WEB, name: "no" }, none("There is no Service shop/no")],
    [
      { ...WEB, namespace: "other" },
      none("There is no Service other/web"),
    ],
    [{ ...WEB, name: "headless" }, noAddress("headless")],
    [{ ...WEB, name: "ext" }, noAddress("ext")],
    [importRef, "attached"],
    [
      { ...importRef, name: "no" },
      none("There is no ServiceImport shop/no"),
    ],
    [policy("EgressNetwork", "out", { port: 443 }), "attached"],
    [
      policy("EgressNetwork", "no", { port: 443 }),
      none("There is no EgressNetwork shop/no"),
    ],
    [
      policy("EgressNetwork", "in", { port: 443 }),
      none("EgressNetwork shop/in overlaps with the cluster's networks"),
    ],
    [policy("Server", "srv"), "attached"],
    [policy("Server", "no"), none("There is no Server shop/no")],
  ];
  for (const [parent, expected] of cases) {
    expect({ parent, standing: standing(index, onto(parent)) })
      .toEqual({ parent, standing: expected });
  }
  const mixed = onto({ kind: "Gateway", name: "g" }, WEB);
  expect(standing(index, mixed)).toBe("foreign");
});

test("a parent that comes or goes takes its routes along", () => {
  const index = indexOf([]);
  const route = onto(WEB);
  expect(standing(index, route)).toStartWith("NoMatchingParent");
  index.apply(applies(web));
  expect(standing(index, route)).toBe("attached");
  index.apply(deletes(web));
  expect(standing(index, route)).toStartWith("NoMatchingParent");
});

test("a filter that cannot be done is named by its field", () => {
  const index = indexOf([web]);
  const filters = [{ type: "URLRewrite" }];
  expect(standing(index, clientRoute("HTTPRoute", "r", [{}, { filters }])))
    .toBe(
      "UnsupportedValue: spec.rules[1].filters[0].type: the filter URLRewrite is not supported",
    );
});

test("of two kinds on the same ports the weaker one conflicts, and only where it has nothing left", () => {
  const at = (kind: Parameters<typeof clientRoute>[0], more = {}) =>
    clientRoute(kind, kind.toLowerCase(), [{}], {
      parentRefs: [{ ...WEB, ...more }],
    });
  const conflict = (kind: string) =>
    `RouteReasonConflicted: ${kind} shop/${kind.toLowerCase()} hangs on the same ports of Service shop/web, and its kind comes first`;
  const http = at("HTTPRoute");
  const cases: [others: Manifest[], route: Manifest, expected: string][] = [
    [[at("GRPCRoute")], http, conflict("GRPCRoute")],
    [[at("GRPCRoute", { port: 80 })], http, "attached"],
    [
      [at("GRPCRoute", { port: 80 })],
      at("HTTPRoute", { sectionName: "http" }),
      conflict("GRPCRoute"),
    ],
    [[at("GRPCRoute")], at("HTTPRoute", { port: 81 }), conflict("GRPCRoute")],
    [[http], at("GRPCRoute"), "attached"],
    [[http], at("TLSRoute"), conflict("HTTPRoute")],
    [[http], at("TCPRoute"), conflict("HTTPRoute")],
    [[at("TLSRoute")], at("TCPRoute"), conflict("TLSRoute")],
    [[at("TCPRoute")], at("TLSRoute"), "attached"],
    [[http], at("HTTPRoute", { port: 80 }), "attached"],
  ];
  for (const [others, route, expected] of cases) {
    expect(standing(indexOf([web, ...others]), route)).toBe(expected);
  }
  // A consumer's route takes nothing from clients of others.
  const theirs = clientRoute("GRPCRoute", "grpcroute", [{}], {
    namespace: "buyer",
    parentRefs: [{ ...WEB, namespace: "shop" }],
  });
  expect(standing(indexOf([web, theirs]), http)).toBe("attached");
  // Where only bytes are passed on, what parses them takes nothing away.
  const opaque = serviceManifest("web", "10.43.0.1", {
    spec: { ports: [{ port: 80, appProtocol: "linkerd.io/opaque" }] },
  });
  expect(standing(indexOf([opaque, http]), at("TCPRoute"))).toBe("attached");
});

test("references are resolved when all backends can be sent to", () => {
  const index = indexOf([
    web,
    serviceManifest("far", "10.43.0.2", { namespace: "other" }),
  ]);
  const resolved = (...backendRefs: object[]) => {
    const route = routeOf(clientRoute("HTTPRoute", "r", [{ backendRefs }]));
    const [parent] = route.spec.parentRefs ?? [];
    if (parent === undefined) throw new Error("a parent was expected");
    const found = resolutionOf(route, parent, index);
    return found.kind === "resolved" ? found.kind : found.reason;
  };
  const self = { name: "web", port: 80 };
  expect(resolved()).toBe("resolved");
  expect(resolved(self)).toBe("resolved");
  expect(resolved(self, { ...self, name: "no" })).toBe("BackendNotFound");
  expect(resolved({ ...self, name: "far", namespace: "other" }))
    .toBe("RefNotPermitted");
  expect(resolved({ ...self, group: "a.b", kind: "Odd" })).toBe("InvalidKind");
  expect(resolved(policy("EgressNetwork", "out"))).toBe("InvalidKind");
});
