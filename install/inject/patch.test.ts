import { expect, test } from "bun:test";
import { INJECTION_DEFAULTS } from "../../schemas/values/proxy-defaults.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import { applyPatch } from "./apply.ts";
import { injectionPatch, type Operation } from "./patch.ts";
import { injection, pod } from "./testing/pods.ts";
import { uninject } from "./uninject.ts";
import type { Fields, Pod, Texts } from "./workload.ts";

/** Values with parts of the proxy's block changed. */
function values(
  proxy: Partial<InjectionValues["proxy"]>,
  over: Partial<InjectionValues> = {},
): InjectionValues {
  return {
    ...INJECTION_DEFAULTS,
    ...over,
    proxy: { ...INJECTION_DEFAULTS.proxy, ...proxy },
  };
}

function patch(
  over: Partial<InjectionValues> = {},
  of: Pod = pod(),
  around: Texts = {},
): Operation[] {
  return injectionPatch(
    of,
    injection({
      values: { ...INJECTION_DEFAULTS, ...over },
      namespaceAnnotations: around,
    }),
    "",
  );
}

const paths = (operations: readonly Operation[]) =>
  operations.map(({ path }) => path);

function container(operations: readonly Operation[], name: string): Fields {
  const found = operations.map(({ value }) => value as Fields)
    .find((value) => value["name"] === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

function variable(operations: readonly Operation[], name: string): unknown {
  const env = container(operations, "linkerd-proxy")["env"] as Fields[];
  const found = env.find((one) => one["name"] === name);
  return found?.["value"] ?? found?.["valueFrom"];
}

test("a bare pod is patched in Linkerd's order", () => {
  const bare: Pod = { ...pod(), metadata: null };
  expect(paths(patch({}, bare))).toEqual([
    "/metadata",
    "/metadata/annotations",
    "/metadata/annotations/linkerd.io~1created-by",
    "/metadata/annotations/linkerd.io~1proxy-version",
    "/metadata/annotations/linkerd.io~1trust-root-sha256",
    "/metadata/annotations/viz.linkerd.io~1tap-enabled",
    "/metadata/labels",
    "/metadata/labels/linkerd.io~1control-plane-ns",
    "/metadata/labels/linkerd.io~1proxy-deployment",
    "/metadata/labels/linkerd.io~1workload-ns",
    "/spec/volumes",
    "/spec/initContainers",
    "/spec/volumes/-",
    "/spec/initContainers/0",
    "/spec/volumes/-",
    "/spec/volumes/-",
    "/spec/initContainers/1",
  ]);
});

test("a pod's requests can be shown, unless it or its namespace says otherwise", () => {
  const tapOf = (own: Texts, around: Texts = {}) => {
    const operations = patch({}, pod({ annotations: own }), around);
    return [
      paths(operations).filter((path) => path.includes("tap-enabled")).length,
      variable(operations, "LINKERD2_PROXY_TAP_SVC_NAME"),
    ];
  };
  const tapped = [
    1,
    "linkerd-metrics.linkerd.serviceaccount.identity.linkerd.cluster.local",
  ];
  const off = { "viz.linkerd.io/disable-tap": "true" };
  expect(tapOf({})).toEqual(tapped);
  expect(tapOf({ "viz.linkerd.io/disable-tap": "false" })).toEqual(tapped);
  expect(tapOf(off)).toEqual([0, undefined]);
  expect(tapOf({}, off)).toEqual([0, undefined]);
  expect(paths(patch({}, pod(), off)))
    .toContain("/metadata/annotations/viz.linkerd.io~1disable-tap");
});

test("a patch stands where the pod does, and makes only what is missing", () => {
  const full = pod(
    { labels: { a: "b" }, annotations: { c: "d" } },
    { volumes: [], initContainers: [] },
  );
  const operations = injectionPatch(full, injection(), "/spec/template");
  expect(
    paths(operations).filter((path) => !path.startsWith("/spec/template/")),
  ).toEqual([]);
  expect(operations.filter(({ value }) => JSON.stringify(value) === "{}"))
    .toEqual([]);
});

test("without native sidecars the proxy comes first and awaits, or last and does not", () => {
  const first = patch(
    values({ nativeSidecar: false, waitBeforeExitSeconds: 5 }),
  );
  expect(paths(first).slice(-1)).toEqual(["/spec/containers/0"]);
  expect(paths(first)).toContain("/spec/initContainers/-");
  const proxy = container(first, "linkerd-proxy");
  expect(proxy["lifecycle"]).toEqual({
    postStart: {
      exec: {
        command: [
          "/usr/lib/linkerd/linkerd-await",
          "--timeout=2m",
          "--port=4191",
        ],
      },
    },
    preStop: { exec: { command: ["/bin/sleep", "5"] } },
  });
  expect([proxy["startupProbe"], proxy["restartPolicy"]]).toEqual([
    undefined,
    undefined,
  ]);
  const last = patch(values({ nativeSidecar: false, await: false }));
  expect(paths(last).slice(-1)).toEqual(["/spec/containers/-"]);
  expect(container(last, "linkerd-proxy")["lifecycle"]).toBeUndefined();
});

test("under a CNI plugin a validator stands in for linkerd-init", () => {
  const operations = patch({ cniEnabled: true });
  expect(container(operations, "linkerd-network-validator")["args"]).toEqual([
    "--log-format",
    "plain",
    "--log-level",
    "debug",
    "--connect-addr",
    "1.1.1.1:20001",
    "--listen-addr",
    "0.0.0.0:4140",
    "--timeout",
    "10s",
  ]);
  expect(JSON.stringify(operations)).not.toContain("xtables");
});

test("IPv6 opens all families", () => {
  const operations = patch({ disableIPv6: false });
  expect(container(operations, "linkerd-init")["args"]).not.toContain(
    "--ipv6=false",
  );
  expect(variable(operations, "LINKERD2_PROXY_INBOUND_LISTEN_ADDR")).toBe(
    "[::]:4143",
  );
  expect(variable(operations, "LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS")).toBe(
    "127.0.0.1:4140,[::1]:4140",
  );
});

test("capabilities and token mount of the first container are the proxy's too, and init's but for what it needs", () => {
  const mount = {
    name: "t",
    mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
    readOnly: true,
  };
  const operations = patch(
    {},
    pod({}, {
      containers: [{
        name: "web",
        volumeMounts: [mount],
        securityContext: {
          capabilities: { add: ["SYS_TIME"], drop: ["NET_RAW", "MKNOD"] },
        },
      }],
    }),
  );
  const [init, proxy] = ["linkerd-init", "linkerd-proxy"].map((name) =>
    container(operations, name)
  );
  expect((init?.["securityContext"] as Fields)["capabilities"])
    .toEqual({ add: ["NET_ADMIN", "NET_RAW", "SYS_TIME"], drop: ["MKNOD"] });
  expect((proxy?.["securityContext"] as Fields)["capabilities"])
    .toEqual({ add: ["SYS_TIME"], drop: ["NET_RAW", "MKNOD"] });
  expect([init, proxy].map((one) => (one?.["volumeMounts"] as Fields[]).at(-1)))
    .toEqual([mount, mount]);
});

test("inbound ports are those declared and probed, sorted as text, unless the pod says them", () => {
  const of = (annotations: Texts) =>
    variable(
      patch(
        {},
        pod({ annotations }, {
          containers: [{
            name: "web",
            ports: [{ containerPort: 9090 }, { containerPort: 80 }],
            livenessProbe: { httpGet: { port: 11211 } },
            startupProbe: { httpGet: { port: 7 } },
            readinessProbe: { httpGet: { port: "named" } },
          }],
        }),
      ),
      "LINKERD2_PROXY_INBOUND_PORTS",
    );
  expect(of({})).toBe("11211,80,9090");
  expect(of({ "config.linkerd.io/pod-inbound-ports": "1-5" })).toBe("1-5");
});

test("opaque ports: those exposed, all defaults when none is, the namespace's, or none on request", () => {
  const variableOf = (ports: number[], own: Texts, around: Texts = {}) => {
    const operations = patch(
      {},
      pod({ annotations: own }, {
        containers: [{
          name: "db",
          ports: ports.map((containerPort) => ({ containerPort })),
        }],
      }),
      around,
    );
    return variable(
      operations,
      "LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION",
    );
  };
  const key = "config.linkerd.io/opaque-ports";
  expect(variableOf([80, 3306, 6379], {})).toBe("3306,6379");
  expect(variableOf([80], {})).toBe("25,587,3306,4444,5432,6379,9300,11211");
  expect(variableOf([3306], {}, { [key]: "9999" })).toBe("9999");
  expect(variableOf([3306], { [key]: "" })).toBeUndefined();
});

test("what a namespace configures is copied onto its pods", () => {
  const operations = patch({}, pod(), {
    "config.linkerd.io/proxy-uid": "7",
    "linkerd.io/inject": "ingress",
  });
  expect(operations).toContainEqual({
    op: "add",
    path: "/metadata/annotations/config.linkerd.io~1proxy-uid",
    value: "7",
  });
  expect(variable(operations, "LINKERD2_PROXY_INGRESS_MODE")).toBe("true");
});

test("tracing adds its variables and the pod's labels", () => {
  const tracing = {
    ...INJECTION_DEFAULTS.proxy.tracing,
    enabled: true,
    collector: {
      endpoint: "collector.tracing:4317",
      meshIdentity: { serviceAccountName: "collector", namespace: "tracing" },
    },
  };
  const operations = patch(values({ tracing }));
  expect(variable(operations, "LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME"))
    .toBe("collector.tracing.serviceaccount.identity.linkerd.cluster.local");
  expect(operations.map(({ value }) => (value as Fields)["name"])).toContain(
    "linkerd-podinfo",
  );
});

test("a kernel setting needs an install whose init containers are root", () => {
  const wants = pod({
    annotations: { "config.linkerd.io/close-wait-timeout": "30s" },
  });
  expect(() => patch({}, wants)).toThrow(
    "expected an install with proxyInit.runAsRoot=true",
  );
  const root = patch({
    proxyInit: { ...INJECTION_DEFAULTS.proxyInit, runAsRoot: true },
  }, wants);
  const init = container(root, "linkerd-init");
  expect(init["args"]).toContain("--timeout-close-wait-secs");
  expect(init["securityContext"]).toMatchObject({
    privileged: true,
    runAsUser: 0,
    runAsNonRoot: false,
  });
});

test("resources, group, image and header logs go where they belong", () => {
  const annotations = {
    "config.linkerd.io/proxy-cpu-request": "100m",
    "config.linkerd.io/proxy-memory-limit": "64Mi",
    "config.linkerd.io/proxy-gid": "3000",
    "config.linkerd.io/proxy-version": "1.2.3",
    "config.linkerd.io/proxy-log-http-headers": "insecure",
    "config.linkerd.io/enable-debug-sidecar": "true",
  };
  const operations = patch({}, pod({ annotations }));
  const proxy = container(operations, "linkerd-proxy");
  expect(proxy["resources"]).toEqual({
    requests: { cpu: "100m" },
    limits: { memory: "64Mi" },
  });
  expect(proxy["securityContext"]).toMatchObject({
    runAsGroup: 3000,
    runAsUser: 2102,
  });
  expect(proxy["image"]).toBe("ghcr.io/linkerd-ts/proxy:1.2.3");
  expect(variable(operations, "LINKERD2_PROXY_LOG")).toBe(
    "warn,linkerd=info,hickory=error",
  );
  expect(container(operations, "linkerd-debug")["image"]).toStartWith(
    "ghcr.io/linkerd-ts/debug:",
  );
});

test("an object patched and uninjected is the object", () => {
  const variants: InjectionValues[] = [
    INJECTION_DEFAULTS,
    values({ nativeSidecar: false }),
    values({}, { cniEnabled: true }),
    values({ tracing: { ...INJECTION_DEFAULTS.proxy.tracing, enabled: true } }),
  ];
  const object: Fields = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web",
      annotations: { team: "shop", "linkerd.io/inject": "disabled" },
    },
    spec: {
      containers: [{ name: "web", image: "nginx" }],
      volumes: [{ name: "own" }],
    },
  };
  for (const variant of variants) {
    const operations = injectionPatch(
      pod({
        annotations: {
          team: "shop",
          "config.linkerd.io/enable-debug-sidecar": "true",
        },
      }, { volumes: [{ name: "own" }] }),
      injection({ values: variant }),
      "",
    );
    const injected = applyPatch(object, operations);
    expect(injected).not.toEqual(object);
    expect(uninject(injected, "everything")).toEqual({ object, removed: true });
  }
});

test("uninject leaves the control plane's labels, labels alone do not count, and other kinds pass", () => {
  const controlPlane = {
    kind: "Deployment",
    metadata: {
      labels: {
        "linkerd.io/control-plane-component": "identity",
        "linkerd.io/control-plane-ns": "linkerd",
      },
    },
  };
  expect(uninject(controlPlane, "everything")).toEqual({
    object: controlPlane,
    removed: false,
  });
  expect(
    uninject(
      { kind: "Service", metadata: { labels: { "linkerd.io/x": "y" } } },
      "everything",
    ),
  )
    .toEqual({ object: { kind: "Service" }, removed: false });
  const other = {
    kind: "ConfigMap",
    metadata: { annotations: { "linkerd.io/x": "y" } },
  };
  expect(uninject(other, "everything")).toEqual({
    object: other,
    removed: false,
  });
});
