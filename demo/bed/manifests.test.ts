import { expect, test } from "bun:test";
import { formatFileName, parseManifest } from "./folder.ts";
import { formatHosts } from "./hosts.ts";
import { formatServiceRules } from "./kube-proxy.ts";
import {
  endpointSliceObject,
  podObject,
  type ServiceFacts,
  serviceObject,
} from "./objects.ts";
import { readServices } from "./services.ts";

const POD = {
  name: "one",
  namespace: "shop",
  uid: "u1",
  serviceAccount: "one",
  ip: "10.42.0.10",
  labels: { app: "one" },
  annotations: {},
  ports: [{ name: "http", port: 8080 }],
  meshed: true,
};
const SERVICE: ServiceFacts = {
  name: "web",
  namespace: "shop",
  clusterIp: "10.96.0.10",
  ports: [{ name: "http", port: 80, targetPort: 8080 }],
  annotations: {},
};
const OTHER = { ...POD, name: "two", ip: "10.42.0.11" };

const views = (service: ServiceFacts, pods = [POD, OTHER]) =>
  readServices([serviceObject(service), endpointSliceObject(service, pods)]);

test("a meshed pod carries the label and the proxy's port that discovery reads", () => {
  const pod = podObject(POD);
  expect(pod.metadata.labels).toEqual({
    app: "one",
    "linkerd.io/control-plane-ns": "linkerd",
  });
  expect(JSON.stringify(pod)).toContain(
    `{"name":"LINKERD2_PROXY_INBOUND_LISTEN_ADDR","value":"0.0.0.0:4143"}`,
  );
  expect(JSON.stringify(podObject({ ...POD, meshed: false })))
    .not.toContain("linkerd");
});

test("service ports lead to the slice port of the same name", () => {
  expect(views(SERVICE)[0]?.ports).toEqual([
    { port: 80, endpoints: ["10.42.0.10:8080", "10.42.0.11:8080"] },
  ]);
});

test("endpoints that are not ready are left out, and so are other services'", () => {
  const slice = structuredClone(endpointSliceObject(SERVICE, [POD, OTHER])) as {
    endpoints?: { conditions: { ready: boolean } }[];
  };
  const [first] = slice.endpoints ?? [];
  if (first !== undefined) first.conditions.ready = false;
  const [view] = readServices([
    serviceObject(SERVICE),
    slice as never,
    endpointSliceObject({ ...SERVICE, namespace: "other" }, [POD]),
  ]);
  expect(view?.ready).toEqual(["10.42.0.11"]);
});

test("the node spreads connections evenly over endpoints", () => {
  const rules = formatServiceRules(views(SERVICE)).split("\n");
  expect(rules.filter((rule) => rule.includes("DNAT"))).toEqual([
    "-A SERVICES -d 10.96.0.10 -p tcp --dport 80 -m statistic --mode random --probability 0.5000000000 -j DNAT --to-destination 10.42.0.10:8080",
    "-A SERVICES -d 10.96.0.10 -p tcp --dport 80 -j DNAT --to-destination 10.42.0.11:8080",
  ]);
});

test("names are short in their own namespace only; headless ones mean pods", () => {
  expect(formatHosts(views(SERVICE), "shop")).toBe(
    "127.0.0.1 localhost\n10.96.0.10 web.shop.svc.cluster.local web.shop.svc web.shop web\n",
  );
  expect(formatHosts(views(SERVICE), "other")).not.toMatch(/ web$/m);
  expect(formatHosts(views({ ...SERVICE, clusterIp: "None" }, [POD]), "shop"))
    .toContain("10.42.0.10 web.shop.svc.cluster.local");
});

test("a manifest's objects are read; what is none is refused by the file's name", () => {
  const text =
    "kind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: b}\n";
  expect(parseManifest(text, "x.yaml").map(({ kind }) => kind))
    .toEqual(["A", "B"]);
  expect(() => parseManifest("kind: A", "x.yaml")).toThrow("x.yaml");
  expect(() => parseManifest("kind: [", "x.yaml")).toThrow("x.yaml");
});

test("a file is named after its object", () => {
  expect(formatFileName(serviceObject(SERVICE))).toBe("shop.service.web.yaml");
});
