import { expect, test } from "bun:test";
import type { ExternalObject, ServiceObject, SliceObject } from "./objects.ts";
import { planSlices } from "./plan.ts";
import { MANAGED_BY, SERVICE_NAME, slicesOf } from "./slices.ts";

const SERVICE: ServiceObject = {
  metadata: {
    name: "billing",
    namespace: "shop",
    uid: "service",
    labels: { team: "money" },
  },
  spec: {
    clusterIP: "10.0.0.1",
    selector: { app: "billing" },
    ipFamilies: ["IPv4"],
    ports: [{ name: "http", port: 80, targetPort: 8080 }],
  },
};

function service(spec: Partial<ServiceObject["spec"]>): ServiceObject {
  return { ...SERVICE, spec: { ...SERVICE.spec, ...spec } };
}

function external(
  name: string,
  {
    ips = ["192.0.2.1"],
    ports = [{ port: 8080 }],
    ready = true,
    labels = {},
  }: {
    ips?: readonly string[];
    ports?: ExternalObject["spec"]["ports"] & object;
    ready?: boolean;
    labels?: Readonly<Record<string, string>>;
  } = {},
): ExternalObject {
  return {
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      labels: { app: "billing", ...labels },
    },
    spec: { ports, workloadIPs: ips.map((ip) => ({ ip })) },
    status: {
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  };
}

const addresses = (slices: readonly SliceObject[]) =>
  slices.map(({ addressType, ports = [], endpoints = [] }) => [
    addressType,
    ports.map(({ port }) => port),
    endpoints.flatMap((endpoint) => endpoint.addresses),
  ]);

test("a Service has the workloads that its selector takes, ready or not", () => {
  const slices = slicesOf(SERVICE, [
    external("vm-2", {
      ips: ["192.0.2.2"],
      ready: false,
      labels: { "topology.kubernetes.io/zone": "cellar" },
    }),
    external("vm-1"),
    external("other", { labels: { app: "other" } }),
  ]);
  const ref = { kind: "ExternalWorkload", namespace: "shop" } as const;
  expect(slices).toEqual([{
    metadata: {
      labels: {
        team: "money",
        [SERVICE_NAME]: "billing",
        [MANAGED_BY]: "linkerd-external-workloads-controller",
      },
      ownerReferences: [{
        apiVersion: "v1",
        kind: "Service",
        name: "billing",
        uid: "service",
        controller: true,
      }],
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [
      {
        addresses: ["192.0.2.1"],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { ...ref, name: "vm-1", uid: "uid-vm-1" },
      },
      {
        addresses: ["192.0.2.2"],
        conditions: { ready: false, serving: false, terminating: false },
        targetRef: { ...ref, name: "vm-2", uid: "uid-vm-2" },
        zone: "cellar",
      },
    ],
  }]);
});

test("a Service without a selector, or of another name, has none", () => {
  const externals = [external("vm")];
  expect(slicesOf(service({ selector: {} }), externals)).toEqual([]);
  expect(slicesOf(service({ type: "ExternalName" }), externals)).toEqual([]);
});

test("ports are those that a workload has declared, by name or number", () => {
  const named = [
    { name: "web", port: 80, targetPort: "web" },
    { name: "dns", port: 53, protocol: "UDP" as const },
  ];
  const slices = slicesOf(service({ ports: named }), [
    external("a", {
      ports: [{ name: "web", port: 8080 }, { port: 53, protocol: "UDP" }],
    }),
    external("b", { ips: ["192.0.2.2"], ports: [{ name: "web", port: 8081 }] }),
    external("c", { ips: ["192.0.2.3"], ports: [{ port: 53 }] }),
  ]);
  expect(addresses(slices)).toEqual([
    ["IPv4", [8080, 53], ["192.0.2.1"]],
    ["IPv4", [8081], ["192.0.2.2"]],
  ]);
});

test("families are the Service's, both when it names none; headless endpoints have names", () => {
  const ips = ["192.0.2.1", "2001:db8::1"];
  const both = service({ clusterIP: "None" });
  const { ipFamilies: _, ...spec } = both.spec;
  const slices = slicesOf({ ...both, spec }, [external("vm", { ips })]);
  expect(addresses(slices)).toEqual([
    ["IPv4", [8080], ["192.0.2.1"]],
    ["IPv6", [8080], ["2001:db8::1"]],
  ]);
  expect(slices[0]?.endpoints?.[0]?.hostname).toBe("vm");
  expect(slices[0]?.metadata.labels).toHaveProperty([
    "service.kubernetes.io/headless",
  ]);
  expect(addresses(slicesOf(SERVICE, [external("vm", { ips })])))
    .toEqual([["IPv4", [8080], ["192.0.2.1"]]]);
});

test("a slice has a hundred endpoints at most", () => {
  const many = Array.from(
    { length: 250 },
    (_, at) =>
      external(`vm-${String(at).padStart(3, "0")}`, { ips: [`192.0.2.${at}`] }),
  );
  expect(slicesOf(SERVICE, many).map(({ endpoints }) => endpoints?.length))
    .toEqual([100, 100, 50]);
});

test("what is there stays, what changed is replaced, what is too much goes", () => {
  const stored = (slice: SliceObject, name: string): SliceObject => ({
    ...slice,
    metadata: { ...slice.metadata, name, resourceVersion: "7" },
  });
  const [before] = slicesOf(SERVICE, [external("vm")]);
  const [now] = slicesOf(SERVICE, [external("vm", { ready: false })]);
  if (before === undefined || now === undefined) throw new Error("no slice");
  const nothing = { create: [], replace: [], remove: [] };
  expect(planSlices([before], [stored(before, "a")])).toEqual(nothing);
  expect(planSlices([now], [])).toEqual({ ...nothing, create: [now] });
  expect(planSlices([now], [stored(before, "a"), stored(before, "b")]))
    .toEqual({
      ...nothing,
      replace: [stored(now, "a")],
      remove: [stored(before, "b")],
    });
  const [other] = slicesOf(
    service({ ports: [{ name: "other", port: 81, targetPort: 8080 }] }),
    [external("vm")],
  );
  if (other === undefined) throw new Error("no slice");
  expect(planSlices([other], [stored(before, "a")])).toEqual({
    create: [other],
    replace: [],
    remove: [stored(before, "a")],
  });
});
