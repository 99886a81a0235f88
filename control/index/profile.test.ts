import { expect, test } from "bun:test";
import {
  applies,
  podManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import { createIndex } from "./fold.ts";
import { profileOf } from "./profile.ts";
import { createSettings } from "./settings.ts";

type Manifest = Readonly<Record<string, unknown>>;

function profile(given: readonly Manifest[], ip: string, port: number) {
  const index = createIndex(createSettings());
  index.apply(applies(...given));
  return profileOf(
    { kind: "address", ip, port, clientNamespace: null },
    index,
  );
}

const opaquePorts = (value: string) => ({
  annotations: { "config.linkerd.io/opaque-ports": value },
});

test("profileOf() judges a Service's port by appProtocol, annotation and list, in this order", () => {
  const service = (port: number, appProtocol: string | null, more = {}) =>
    serviceManifest("web", "10.43.0.1", {
      ...more,
      spec: { ports: [{ name: "main", port, appProtocol }] },
    });
  const cases: [given: Manifest, port: number, opaque: boolean][] = [
    [service(80, null), 80, false],
    [service(5432, null), 5432, true],
    [service(5432, null, opaquePorts("")), 5432, false],
    [service(80, null, opaquePorts("main")), 80, true],
    [service(5432, "http"), 5432, false],
    [service(80, "linkerd.io/opaque"), 80, true],
    [service(80, "https"), 80, true],
    [service(5432, "grpc", opaquePorts("5432")), 5432, false],
    [service(80, "HTTP", opaquePorts("80")), 80, false],
  ];
  for (const [given, port, opaque] of cases) {
    expect({ given, got: profile([given], "10.43.0.1", port) })
      .toMatchObject({ given, got: { kind: "service", opaque } });
  }
});

test("profileOf() finds running Pods by their address or a port of their node", () => {
  const containers = [{
    name: "app",
    ports: [{ containerPort: 8080, hostPort: 80 }],
  }];
  const pod = (more: Parameters<typeof podManifest>[2]) =>
    podManifest("a", "10.1.0.1", more);
  const onNode = { spec: { containers }, status: { hostIP: "192.168.0.1" } };
  const endpoint = (ip: string, port: number, pod: string | undefined) => ({
    kind: "endpoint",
    endpoint: { address: { ip, port }, labels: pod ? { pod } : {} },
  });
  const cases: [Manifest, string, number, object][] = [
    [pod({}), "10.1.0.1", 8080, endpoint("10.1.0.1", 8080, "a")],
    [pod(onNode), "192.168.0.1", 80, endpoint("10.1.0.1", 8080, "a")],
    [pod(onNode), "192.168.0.1", 81, endpoint("192.168.0.1", 81, undefined)],
  ];
  for (const [given, ip, port, expected] of cases) {
    expect(profile([given], ip, port)).toMatchObject(expected);
  }
  const strangers: Manifest[] = [
    pod({ status: { phase: "Succeeded" } }),
    pod({ deletionTimestamp: "2026-01-01T00:00:00Z" }),
    pod({ spec: { hostNetwork: true } }),
  ];
  for (const given of strangers) {
    const { endpoint } = profile([given], "10.1.0.1", 8080) as {
      endpoint: { labels: object };
    };
    expect(endpoint.labels).toEqual({ zone_locality: "unknown" });
  }
  const twins = [podManifest("a", "10.1.0.1"), podManifest("b", "10.1.0.1")];
  expect(profile(twins, "10.1.0.1", 8080)).toEqual({
    kind: "ambiguous",
    claims: ["Pod shop/a", "Pod shop/b"],
  });
});

test("profileOf() finds one endpoint of a headless Service by its hostname", () => {
  const index = createIndex(createSettings());
  index.apply(applies(
    serviceManifest("db", "None"),
    podManifest("db-0", "10.1.0.1", opaquePorts("8080")),
    sliceManifest("db", [["db-0", "10.1.0.1", { hostname: "db-0" }]]),
  ));
  const query = {
    kind: "service",
    service: { namespace: "shop", name: "db" },
    port: 80,
    clientNamespace: null,
  } as const;
  expect(profileOf({ ...query, hostname: "db-0" }, index)).toMatchObject({
    kind: "endpoint",
    opaque: true,
    endpoint: {
      address: { ip: "10.1.0.1", port: 8080 },
      labels: { pod: "db-0", namespace: "shop" },
    },
  });
  expect(profileOf({ ...query, hostname: "db-1" }, index))
    .toEqual({ kind: "absent" });
});
