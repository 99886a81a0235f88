import { expect, test } from "bun:test";
import { closeManifest } from "./close.ts";
import { parseManifest } from "./manifest.ts";

const metadata = { name: "web", namespace: "shop" };

test("closeManifest() keeps shut what an unreadable Server or route is about", () => {
  const selector = { matchLabels: { app: "web" } };
  const policy = "policy.linkerd.io/v9";
  const spec = { podSelector: selector, port: 80, accessPolicy: "everybody" };
  expect(closeManifest({ apiVersion: policy, kind: "Server", metadata, spec }))
    .toMatchObject({
      kind: "Server",
      metadata,
      spec: { podSelector: selector, port: 80, accessPolicy: "deny" },
    });
  const parent = { group: "policy.linkerd.io", kind: "Server", name: "s" };
  const rules = [{ matches: [{ cookies: [] }] }];
  const route = (kind: string, parentRefs: unknown[]) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata,
    spec: { parentRefs, rules },
  });
  for (const kind of ["HTTPRoute", "GRPCRoute"]) {
    expect(() => parseManifest(route(kind, [parent]))).toThrow("cookies");
    expect(closeManifest(route(kind, [parent]))).toMatchObject({
      kind,
      spec: { parentRefs: [parent] },
      isUnreadable: true,
    });
  }
  const none: unknown[] = [
    route("HTTPRoute", [{ kind: "Gateway", name: "g" }]),
    { apiVersion: policy, kind: "Server", metadata, spec: { port: -1 } },
    { apiVersion: policy, kind: "NetworkAuthentication", metadata },
    { apiVersion: "v1", kind: "Pod", metadata },
    null,
  ];
  for (const value of none) expect(closeManifest(value)).toBeNull();
});
