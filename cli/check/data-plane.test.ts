// What check says of applications: their proxies, ports, and pods that should have a proxy.
import { expect, test } from "bun:test";
import { mergeValues } from "../../schemas/values/merge.ts";
import { type FakeObject } from "./testing/cluster.ts";
import { DEFAULT, error, MESH, meshed, pod } from "./testing/look.ts";

test("proxies of applications: ready, current in trust, rightly labelled", async () => {
  const inDefault = { settings: { dataPlaneNamespace: "default" } };
  const ready = "data plane proxies are ready";
  expect(await error(ready, inDefault)).toBe(
    'no "linkerd-proxy" containers found in the "default" namespace',
  );
  const late = meshed("late", {
    status: { containerStatuses: [{ name: "linkerd-proxy", ready: false }] },
  });
  expect(await error(ready, { ...inDefault, objects: [late] })).toBe(
    'container "linkerd-proxy" in pod "late" is not ready',
  );
  const over = meshed("over", {
    status: { phase: "Failed", reason: "Shutdown" },
  });
  expect(await error(ready, { ...inDefault, objects: [over, meshed("web")] }))
    .toBe("(passed)");
  expect(await error("data plane namespace exists", inDefault)).toBe(
    'The "default" namespace does not exist',
  );

  const trusting = meshed("old", {
    spec: {
      containers: [{
        name: "linkerd-proxy",
        env: [{ name: "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS", value: "old" }],
      }],
    },
  });
  const objects = [...MESH, trusting];
  expect(await error("data plane proxies certificate match CA", { objects }))
    .toBe(
      "Some pods do not have the current trust bundle and must be restarted:\n\t* default/old",
    );

  const labelled = meshed("odd", {
    metadata: { labels: { "linkerd.io/inject": "enabled" } },
  });
  expect(
    await error("data plane pod labels are configured correctly", {
      objects: [labelled, meshed("web")],
    }),
  ).toBe(
    "Some labels on data plane pods should be annotations:\n\t* default/odd\n\t\tlinkerd.io/inject",
  );
  const service: FakeObject = {
    kind: "Service",
    metadata: {
      name: "web",
      namespace: "default",
      labels: { "config.linkerd.io/opaque-ports": "1" },
      annotations: { "mirror.linkerd.io/exported": "true" },
    },
    spec: {},
  };
  expect(
    await error("data plane service labels are configured correctly", {
      objects: [service],
    }),
  ).toEndWith("\t* default/web\n\t\tconfig.linkerd.io/opaque-ports");
  expect(
    await error("data plane service annotations are configured correctly", {
      objects: [service],
    }),
  ).toEndWith("\t* default/web\n\t\tmirror.linkerd.io/exported");
});

test("opaque ports: Service and pods must agree on what clients are told", async () => {
  const key = "config.linkerd.io/opaque-ports";
  const compare = (
    ofService: string | null,
    ofPod: string | null,
    ports: unknown,
    clusterIP = "10.0.0.1",
  ) => {
    const note = (text: string | null) => text === null ? {} : { [key]: text };
    const service = {
      kind: "Service",
      metadata: {
        name: "db",
        namespace: "default",
        annotations: note(ofService),
      },
      spec: { clusterIP, selector: { app: "db" }, ports },
    };
    const target = meshed("db-0", {
      metadata: { labels: { app: "db" }, annotations: note(ofPod) },
    });
    return error("opaque ports are properly annotated", {
      objects: [...MESH, service, target, meshed("web")],
    });
  };
  const plain = [{ port: 5000 }];
  const moved = [{ port: 80, targetPort: "db" }];
  expect(await compare(null, null, plain)).toBe("(passed)");
  expect(await compare("5000", "5000", plain)).toBe("(passed)");
  expect(await compare("80", "db", moved)).toBe("(passed)");
  expect(await compare("5000", "4000-6000", plain)).toBe("(passed)");
  // 3306 is opaque by default, annotation or not.
  expect(await compare("3306", null, [{ port: 3306 }])).toBe("(passed)");
  expect(await compare("5000", null, plain)).toBe(
    `\t* service default/db expects target port 5000 to be opaque; add it to pod db-0 ${key} annotation`,
  );
  expect(await compare(null, "5000", plain)).toBe(
    `\t* service default/db targets the opaque port 5000; add it to its ${key} annotation`,
  );
  expect(await compare(null, "5000", moved)).toBe(
    `\t* service default/db targets the opaque port db through 80; add 80 to its ${key} annotation`,
  );
  expect(await compare(null, "queue", plain)).toBe(
    "\t* failed to convert queue to port number for pod db-0",
  );
  expect(await compare("5000", "", plain, "None")).toBe("(passed)");
});

test("pods that should be meshed and are not are listed with the reason", async () => {
  const asking: FakeObject = {
    kind: "Namespace",
    metadata: {
      name: "shop",
      annotations: { "linkerd.io/inject": "enabled" },
    },
  };
  const away: FakeObject = {
    kind: "Namespace",
    metadata: {
      name: "kube-system",
      labels: { "kubernetes.io/metadata.name": "kube-system" },
      annotations: { "linkerd.io/inject": "enabled" },
    },
  };
  const inShop = (name: string, more = {}) =>
    pod(name, mergeValues({ metadata: { namespace: "shop" } }, more));
  const noted = (word: string) => ({
    metadata: { annotations: { "linkerd.io/inject": word } },
  });
  const told = await error("pods that should be meshed are", {
    objects: [
      ...MESH,
      DEFAULT,
      asking,
      away,
      inShop("old"),
      inShop("host", { spec: { hostNetwork: true } }),
      inShop("istio", {
        spec: { containers: [{ name: "istio-proxy", image: "x" }] },
      }),
      inShop("left-alone", noted("disabled")),
      inShop("misspelt", noted("enable")),
      inShop("done", { status: { phase: "Succeeded", reason: "Completed" } }),
      inShop("going", { metadata: { deletionTimestamp: "2026-01-01" } }),
      meshed("fine", { metadata: { namespace: "shop" } }),
      pod("unasked"),
      pod("own", noted("enabled")),
      pod("dns", { metadata: { namespace: "kube-system" } }),
    ],
  });
  expect(told.split("\n")).toEqual([
    "Some pods should have a proxy and have none:",
    "\t* shop/old: it was made before its namespace asked for proxies, or while the injector was away: restart it",
    "\t* shop/host: hostNetwork is enabled",
    "\t* shop/istio: pod has a sidecar injected already",
    '\t* shop/misspelt: invalid value for annotation "linkerd.io/inject" at the workload, expected enabled, disabled or ingress',
    "\t* default/own: it was made while the injector was away: restart it",
    "\t* kube-system/dns: the injector's namespaceSelector leaves out its namespace",
  ]);
});

test("a long list is cut, and says how long it is", async () => {
  const objects = Array.from(
    { length: 40 },
    (_, at) => pod(`p${at}`, { status: { podIP: "11.0.0.1" } }),
  );
  const told = await error("cluster networks contains all pods", {
    objects: [...MESH, ...objects],
  });
  expect(told.split("\n")).toHaveLength(32);
  expect(told).toEndWith("\n\t* and 10 more");
});

test("an extension has one namespace", async () => {
  const labelled = (name: string): FakeObject => ({
    kind: "Namespace",
    metadata: { name, labels: { "linkerd.io/extension": "viz" } },
  });
  expect(
    await error("namespace configuration for extensions", {
      objects: [labelled("a"), labelled("b"), DEFAULT],
    }),
  ).toBe(
    'some extensions have invalid configuration\n\t* label "linkerd.io/extension=viz" is present on more than one namespace:\n\t\t* a\n\t\t* b',
  );
});
