// The section "On Kubernetes" of README.md, typed as it is printed, and what is promised of a mesh meanwhile.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { dirname } from "node:path";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import { INSTALL_TIMEOUT_MS, removeMesh } from "./testing/installed.ts";
import { toList } from "./testing/manifests.ts";
import {
  CALL_WEB,
  container,
  deployment,
  job,
  namespace,
  SERVE_NAME,
} from "./testing/shop.ts";
import {
  openTerminal,
  readScripts,
  type Terminal,
} from "./testing/terminal.ts";

setDefaultTimeout(INSTALL_TIMEOUT_MS);

/** Longer than anything takes on a busy machine, shorter than a test may. */
const WAIT = "--timeout=180s";
const PATIENCE_MS = 120_000;
const CALLER = "caller.shop.serviceaccount.identity.linkerd.cluster.local";
const WEB = "web.shop.serviceaccount.identity.linkerd.cluster.local";

let api: ApiServer;
let terminal: Terminal;
let scripts: readonly string[];
/** What the cluster had before it had a mesh. */
let before: string;

beforeAll(async () => {
  api = await openNode();
  await clean();
  before = await inventory();
  terminal = await openTerminal({
    KUBECONFIG: api.kubeconfig,
    PATH: `${dirname(api.kubectl)}:${process.env["PATH"]}`,
  });
  scripts = await readScripts("On Kubernetes");
  await apply(
    namespace("shop"),
    ...deployment("shop", "web", SERVE_NAME),
    ...deployment("shop", "caller", CALL_WEB),
  );
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await clean();
  await terminal.close();
  await api.stop();
}, INSTALL_TIMEOUT_MS);

/** Also what a run that was killed left. */
async function clean(): Promise<void> {
  await run("delete", "namespace", "shop", "corner", "--ignore-not-found");
  await removeMesh(api);
}

test("it is built, and given to a cluster", async () => {
  expect(scripts).toHaveLength(7);
  await terminal.type(scripts[0] ?? "");
  await terminal.type(scripts[1] ?? "");
  expect((await terminal.type("command -v linkerd")).trim())
    .toEndWith("/dist/linkerd");
  expect(await terminal.type("echo $KUBECONFIG")).toBe(`${api.kubeconfig}\n`);
});

test("it is installed, and check is content before and after", async () => {
  const said = await terminal.type(scripts[2] ?? "");
  expect(said.match(/^Status check results are √$/gm)).toHaveLength(2);
  expect(said).toContain("deployment.apps/linkerd-destination created");
});

test("a namespace is meshed, and every edge in it is mutual TLS", async () => {
  const said = await terminal.type(scripts[3] ?? "");
  expect(said).toMatch(/^Status check results are √$/m);
  // Until they are gone, plain callers call and plain servers are called.
  await run(
    ...["wait", "pod", "-n", "shop", "-l", "!linkerd.io/control-plane-ns"],
    ...["--for=delete", WAIT],
  );
  const start = await requests();
  const edges = await waitFor(async () => {
    const counted = await requests();
    const grown = [...counted].filter(([labels, count]) =>
      count > (start.get(labels) ?? 0)
    ).map(([labels]) => labels);
    const arrived = grown.filter((labels) => labels.includes('"inbound"'));
    const left = grown.filter((labels) => labels.includes('"outbound"'));
    // Both pods of web, seen from both sides.
    return arrived.length >= 2 && left.length >= 2 ? { arrived, left } : null;
  }, { what: () => "requests to both pods of web", timeoutMs: PATIENCE_MS });
  for (const labels of edges.arrived) {
    expect(labels).toContain(`tls="true",client_id="${CALLER}"`);
  }
  for (const labels of edges.left) {
    expect(labels).toContain(`tls="true",server_id="${WEB}"`);
  }
  await waitFor(
    async () =>
      /^web +2\/2 +100\.00%/m.test(await linkerd("viz stat -n shop deploy"))
        ? true
        : null,
    { what: () => "golden metrics of web", timeoutMs: PATIENCE_MS },
  );
  const shown = await terminal.type(scripts[4] ?? "");
  expect(shown).toContain(`"${CALLER}"`);
  expect(shown).toMatch(/^web +2\/2 +100\.00%/m);
  expect(shown).toMatch(/ web +shop +shop +√ *$/m);
});

test("commands tell of the cluster as it is", async () => {
  const [pod = ""] = await podsOf("shop", "web");
  expect(await linkerd("identity -n shop -l app=web")).toContain(`DNS:${WEB}`);
  expect(await linkerd("authz -n shop deploy/web 2>&1"))
    .toContain("the default inbound policy decides");
  const endpoints = await linkerd(
    "diagnostics endpoints web.shop.svc.cluster.local:80",
  );
  for (const name of await podsOf("shop", "web")) {
    expect(endpoints).toContain(name);
  }
  expect(await linkerd(`diagnostics policy -n shop po/${pod} 8080`))
    .toContain("name: all-unauthenticated");
  expect(await linkerd("diagnostics policy -n shop svc/web 80"))
    .toContain("PeakEwma");
  expect(await linkerd("diagnostics profile web.shop.svc.cluster.local:80"))
    .toContain('"fully_qualified_name": "web.shop.svc.cluster.local"');
  expect(await linkerd("diagnostics controller-metrics"))
    .toMatch(/^process_cpu_seconds_total/m);
});

test("deployments are meshed through inject, one by one", async () => {
  await apply(
    namespace("corner"),
    ...deployment("corner", "shy", SERVE_NAME, policy("deny")),
    ...deployment("corner", "locked", SERVE_NAME, policy("all-authenticated")),
    ...deployment("corner", "open", SERVE_NAME, {
      ...policy("deny"),
      "config.linkerd.io/skip-inbound-ports": "8080",
    }),
  );
  // A Deployment whose status changes meanwhile is not what kubectl means to change.
  await run("rollout", "status", "deployment", "-n", "corner", WAIT);
  await terminal.type(
    "kubectl get deploy -n corner -o yaml | linkerd inject - | kubectl apply -f -",
  );
  // Whoever refuses all refuses no probe: they get ready.
  await run("rollout", "status", "deployment", "-n", "corner", WAIT);
  for (const name of ["shy", "locked", "open"]) {
    for (const pod of await podsOf("corner", name)) {
      const containers = await run(
        ...["get", "pod", pod, "-n", "corner", "-o"],
        "jsonpath={.spec.initContainers[*].name}",
      );
      expect(containers).toBe("linkerd-init linkerd-proxy");
    }
  }
});

test("probes of a pod that refuses everybody go on", async () => {
  await waitFor(async () => {
    const metrics = await linkerd(
      "diagnostics proxy-metrics -n corner deploy/shy",
    );
    const probes = /^request_total\{.*authz_name="probe".* (\d+)$/m.exec(
      metrics,
    );
    return Number(probes?.[1] ?? 0) >= 10 ? true : null;
  }, { what: () => "ten probes of shy", timeoutMs: PATIENCE_MS });
  const [pod = ""] = await podsOf("corner", "shy");
  const seen = await run(
    ...["get", "pod", pod, "-n", "corner", "-o"],
    "jsonpath={.status.containerStatuses[*]['ready','restartCount']}",
  );
  expect(seen).toBe("true 0");
});

test("Jobs end beside their proxy, and reach what they may", async () => {
  const inject = { "linkerd.io/inject": "enabled" };
  await apply(
    job("plain", {}),
    job("meshed", inject),
    job("skipping", {
      ...inject,
      "config.linkerd.io/skip-outbound-ports": "80",
    }),
  );
  await run(
    ...["wait", "job", "--all", "-n", "corner", "--for=condition=Complete"],
    WAIT,
  );
  const answers = async (name: string) =>
    (await run("logs", `job/${name}`, "-c", "job", "-n", "corner")).trim()
      .split("\n");
  expect(await answers("plain")).toEqual(["shy 403", "locked 403", "open 200"]);
  expect(await answers("meshed"))
    .toEqual(["shy 403", "locked 200", "open 200"]);
  expect(await answers("skipping"))
    .toEqual(["shy 403", "locked 403", "open 200"]);
});

test("the network validator passes a pod that is redirected, and no other", async () => {
  const [pod = ""] = await podsOf("corner", "locked");
  const { spec } = JSON.parse(
    await run("get", "pod", pod, "-n", "corner", "-o", "json"),
  );
  const [{ volumeMounts, ...redirect }] = spec.initContainers;
  const lock = spec.volumes.find(({ name }: { name: string }) =>
    name === volumeMounts[0].name
  );
  const validator = {
    name: "validator",
    image: redirect.image,
    // Not as the proxy, whose traffic goes where it wants to.
    securityContext: { runAsUser: 65534, runAsGroup: 65534 },
    command: [VALIDATOR, "--timeout", "10s", "--log-format", "plain"],
    args: ["--connect-addr", "1.1.1.1:20001", "--listen-addr", "0.0.0.0:4140"],
  };
  const validated = (name: string, initContainers: readonly unknown[]) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "corner" },
    spec: {
      restartPolicy: "Never",
      volumes: [lock],
      initContainers,
      containers: [container("pod", "true")],
    },
  });
  await apply(
    validated("redirected", [
      { ...redirect, volumeMounts: [volumeMounts[0]] },
      validator,
    ]),
    validated("bare", [validator]),
  );
  for (
    const [name, phase] of [["redirected", "Succeeded"], ["bare", "Failed"]]
  ) {
    await run(
      ...["wait", `pod/${name}`, "-n", "corner", WAIT],
      `--for=jsonpath={.status.phase}=${phase}`,
    );
  }
  expect(await run("logs", "bare", "-c", "validator", "-n", "corner"))
    .toContain("redirect");
});

test("an upgrade restarts nothing and keeps the issuer", async () => {
  await run("delete", "namespace", "corner");
  const start = await running();
  await terminal.type(scripts[5] ?? "");
  await linkerd("check --proxy");
  expect(await running()).toBe(start);
});

test("it is removed, and nothing of it stays", async () => {
  const said = await terminal.type(scripts[6] ?? "");
  expect(said).toContain('namespace "linkerd" deleted');
  expect(await linkerd("check --pre")).toMatch(/^Status check results are √$/m);
  await run("rollout", "status", "deployment", "-n", "shop", WAIT);
  await run("delete", "namespace", "shop");
  // The Gateway API stays, for routes of others may be in it.
  const left = (await inventory()).split("\n").filter((name) =>
    !name.includes("gateway.networking.k8s.io")
  );
  expect(left.join("\n")).toBe(before);
});

const VALIDATOR = "/usr/lib/linkerd/linkerd2-network-validator";

function policy(name: string) {
  return { "config.linkerd.io/default-inbound-policy": name };
}

function run(...args: readonly string[]): Promise<string> {
  return kubectl(api, args);
}

function apply(...items: readonly unknown[]): Promise<string> {
  return kubectl(api, ["apply", "-f", "-"], toList(items));
}

/** The command that was built. */
function linkerd(args: string): Promise<string> {
  return terminal.type(`linkerd ${args}`);
}

/** Those that are meshed. */
async function podsOf(namespace: string, app: string): Promise<string[]> {
  const names = await run(
    ...["get", "pods", "-n", namespace, "-o", "name"],
    ...["-l", `app=${app},linkerd.io/control-plane-ns`],
  );
  return names.trim().split("\n").map((name) => name.replace("pod/", ""));
}

/** How many requests there were between caller and web, by labels; probes are the kubelet's and never encrypted. */
async function requests(): Promise<ReadonlyMap<string, number>> {
  const metrics =
    await linkerd("diagnostics proxy-metrics -n shop deploy/web") +
    await linkerd("diagnostics proxy-metrics -n shop deploy/caller");
  const counts = metrics.matchAll(/^request_total(\{.*\}) (\d+)$/gm);
  return new Map(
    [...counts].map(([, labels = "", count]) =>
      [labels, Number(count)] as const
    )
      .filter(([labels]) => !labels.includes('authz_name="probe"')),
  );
}

/** Every pod of the mesh with its restarts, and the issuer. */
async function running(): Promise<string> {
  const pods = await Promise.all(
    ["linkerd", "shop"].map((name) =>
      run(
        ...["get", "pods", "-n", name, "-o"],
        'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}{end}',
      )
    ),
  );
  const issuer = await run(
    ...["get", "secret", "linkerd-identity-issuer", "-n", "linkerd", "-o"],
    "jsonpath={.metadata.uid} {.data}",
  );
  return `${pods.join("")}${issuer}`;
}

/** What is in no namespace, and what an install may leave in that of the system. */
async function inventory(): Promise<string> {
  const kinds = await run(
    ...["api-resources", "--namespaced=false", "--verbs=list,delete"],
    ...["-o", "name"],
  );
  // Addresses come and go with the Services of anybody.
  const lasting = kinds.trim().split("\n")
    .filter((kind) => !kind.startsWith("ipaddresses."));
  const system = "role,rolebinding,configmap,secret,serviceaccount,service";
  const names = await Promise.all([
    run("get", lasting.join(), "-o", "name"),
    run("get", system, "-n", "kube-system", "-o", "name"),
  ]);
  return names.join("").split("\n").sort().join("\n");
}
