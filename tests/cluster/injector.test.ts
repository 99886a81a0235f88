// The injector as the API server uses it: pods that are created come back with a proxy, or not, or are refused.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startInjector } from "../../control/start/injector.ts";
import type { Running } from "../../control/start/running.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { recordLogs } from "../../control/testing/logs.ts";
import { createScratch } from "../../control/testing/scratch.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { asServiceAccount } from "./testing/account.ts";
import { writeCertificate } from "./testing/certificate.ts";
import { type Manifest, renderInstall, toList } from "./testing/manifests.ts";

setDefaultTimeout(60_000);

/** The control plane's namespace, of this test alone; so are the names of what has no namespace. */
const CONTROL = "injector-control";
const WEBHOOK = "injector-test";
/** Namespaces of pods: the webhook sees those with the label. */
const SEEN = { "injector-test": "yes" };
const ACCOUNT = "linkerd-proxy-injector";

let api: ApiServer;
let injector: Running | undefined;
let folder: Awaited<ReturnType<typeof createScratch>>;
let caBundle: string;
let mesh: readonly Manifest[];
const logs = recordLogs();
beforeAll(async () => {
  [api, folder, mesh] = await Promise.all([
    openApiServer(),
    createScratch(),
    renderInstall(CONTROL),
  ]);
  await kubectl(api, ["apply", "-f", "-"], toList(mesh.filter(isInjectors)));
  const values = mesh.find(({ metadata }) => metadata.name === "linkerd-config")
    ?.data?.["values"] ?? "";
  await writeFile(join(folder.path, "values"), values);
  await writeFile(join(folder.path, "anchors.crt"), "the anchors");
  caBundle = await writeCertificate(folder.path);
  await start(0);
  await Promise.all([
    addNamespace("injector-on", { "linkerd.io/inject": "enabled" }),
    addNamespace("injector-off", {}),
  ]);
  await setWebhook("Fail");
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(api, [
    ...["delete", "mutatingwebhookconfiguration", WEBHOOK],
    "--ignore-not-found",
  ]);
  await kubectl(api, [
    ...["delete", "--ignore-not-found", "--wait=false", "-f", "-"],
  ], toList(mesh.filter(isInjectors)));
  await kubectl(api, [
    ...["delete", "namespace", "--ignore-not-found", "--wait=false"],
    ...["injector-on", "injector-off"],
  ]);
  await injector?.close();
  await folder[Symbol.asyncDispose]();
  await api.stop();
}, 60_000);

/** The namespace, and the account with its rights as the install gives them. */
function isInjectors({ kind, metadata }: Manifest): boolean {
  if (kind === "Namespace") return true;
  return ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
    .includes(kind) && metadata.name.endsWith("proxy-injector");
}

async function start(port: number): Promise<void> {
  injector = await startInjector({
    program: "proxy-injector",
    address: { host: "127.0.0.1", port },
    adminAddress: { host: "127.0.0.1", port: 0 },
    log: { level: "info", format: "plain" },
    namespace: CONTROL,
    server: await asServiceAccount(api, CONTROL, ACCOUNT),
    configFolder: folder.path,
    anchors: join(folder.path, "anchors.crt"),
    certificate: folder.path,
    drainMs: 0,
  }, logs.log);
}

async function addNamespace(name: string, annotations: object): Promise<void> {
  const metadata = { name, labels: SEEN, annotations };
  await kubectl(
    api,
    ["apply", "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata }),
  );
  // Pods are refused until the namespace has its default account.
  await kubectl(api, [
    ...["wait", "--for=create", "serviceaccount/default", "-n", name],
  ]);
}

async function setWebhook(failurePolicy: "Fail" | "Ignore"): Promise<void> {
  const rendered = mesh.find(({ kind }) =>
    kind === "MutatingWebhookConfiguration"
  ) as unknown as { readonly webhooks: readonly [object] };
  await kubectl(
    api,
    ["apply", "-f", "-"],
    JSON.stringify({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: WEBHOOK },
      webhooks: [{
        ...rendered.webhooks[0],
        name: "injector.test.linkerd.io",
        failurePolicy,
        namespaceSelector: { matchLabels: SEEN },
        clientConfig: {
          url: `https://127.0.0.1:${injector?.ports["webhook"]}/`,
          caBundle,
        },
      }],
    }),
  );
}

const podIn = (namespace: string, name: string, annotations = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, annotations },
  spec: { containers: [{ name: "web", image: "web" }] },
});

/** A pod, once a changed webhook configuration is in force: the API server learns of it by watching. */
function createAtLast(name: string): Promise<Created> {
  return waitFor(async () => {
    const { code, object } = await create(podIn("injector-on", name));
    return code === 0 ? object : null;
  }, { what: () => "a pod under the new configuration" });
}

async function create(object: {
  readonly metadata: { readonly namespace: string };
}): Promise<{ code: number; stderr: string; object: Created }> {
  const { code, stdout, stderr } = await tryKubectl(
    api,
    ["create", "-o", "json", "-f", "-"],
    JSON.stringify(object),
  );
  return { code, stderr, object: code === 0 ? JSON.parse(stdout) : {} };
}

interface Created {
  readonly metadata: {
    readonly annotations?: Record<string, string>;
    readonly labels?: Record<string, string>;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
}

function proxyOf({ spec }: Created): string | undefined {
  return [...spec.initContainers ?? [], ...spec.containers]
    .find(({ name }) => name === "linkerd-proxy")?.name;
}

test("a pod of an annotated namespace gets a proxy, one that says no does not", async () => {
  const meshed = await create(podIn("injector-on", "meshed"));
  expect(meshed.stderr).toBe("");
  expect(proxyOf(meshed.object)).toBe("linkerd-proxy");
  expect(meshed.object.metadata.labels).toMatchObject({
    "linkerd.io/control-plane-ns": CONTROL,
    "linkerd.io/workload-ns": "injector-on",
  });
  const { object } = await create(
    podIn("injector-on", "not", { "linkerd.io/inject": "disabled" }),
  );
  expect(proxyOf(object)).toBeUndefined();
});

test("an annotation on the namespace counts from the next pod on", async () => {
  expect(proxyOf((await create(podIn("injector-off", "before"))).object))
    .toBeUndefined();
  await kubectl(api, [
    ...["annotate", "namespace", "injector-off", "linkerd.io/inject=enabled"],
  ]);
  expect(proxyOf((await create(podIn("injector-off", "after"))).object))
    .toBe("linkerd-proxy");
});

test("a pod of a Deployment is labelled with it, and the Deployment has an event", async () => {
  const namespace = "injector-on";
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "web" }] },
  };
  const selector = { matchLabels: { app: "web" } };
  const own = async (kind: string, owners: readonly object[]) => {
    const { metadata } = JSON.parse(
      await kubectl(
        api,
        ["create", "-o", "json", "-f", "-"],
        JSON.stringify({
          apiVersion: "apps/v1",
          kind,
          metadata: { name: "web", namespace, ownerReferences: owners },
          spec: { replicas: 0, selector, template },
        }),
      ),
    );
    return { apiVersion: "apps/v1", kind, name: "web", uid: metadata.uid };
  };
  const set = await own("ReplicaSet", [await own("Deployment", [])]);
  const pod = podIn(namespace, "web-1");
  const { object } = await create({
    ...pod,
    metadata: { ...pod.metadata, ownerReferences: [set] },
  } as never);
  expect(object.metadata.labels?.["linkerd.io/proxy-deployment"]).toBe("web");
  await waitFor(
    async () =>
      (await kubectl(api, ["get", "events", "-n", namespace]))
        .match(/Injected +deployment\/web/),
    { what: () => "an event of the Deployment" },
  );
});

test("a wrong annotation refuses the pod and says which, why and what would be right", async () => {
  const { code, stderr } = await create(
    podIn("injector-on", "wrong", { "config.linkerd.io/admin-port": "many" }),
  );
  expect(code).toBe(1);
  expect(stderr).toContain('config.linkerd.io/admin-port is "many"');
  expect(stderr).toContain("expected");
});

test("a Service of an opaque port says so", async () => {
  const { object } = await create({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", namespace: "injector-on" },
    spec: { ports: [{ port: 3306 }] },
  } as never);
  expect(object.metadata.annotations?.["config.linkerd.io/opaque-ports"])
    .toBe("3306");
});

test("garbage and floods are refused; nothing else is affected", async () => {
  const url = `https://127.0.0.1:${injector?.ports["webhook"]}/`;
  const send = (body: string | Uint8Array<ArrayBuffer>) =>
    fetch(url, {
      method: "POST",
      body,
      tls: { ca: Buffer.from(caBundle, "base64").toString() },
    }).then(({ status }) => status, () => "closed");
  expect(await send("")).toBe(200);
  expect(await send("{")).toBe(400);
  expect(await send("[]")).toBe(400);
  expect(await send('{"apiVersion":"admission.k8s.io/v1"}')).toBe(400);
  expect([413, "closed"]).toContain(await send(new Uint8Array(100 << 20)));
  const { object } = await create(podIn("injector-on", "unmoved"));
  expect(proxyOf(object)).toBe("linkerd-proxy");
});

test("a new certificate is served without a restart", async () => {
  caBundle = await writeCertificate(folder.path);
  await logs.until("webhook certificate replaced");
  await setWebhook("Fail");
  expect(proxyOf(await createAtLast("rotated"))).toBe("linkerd-proxy");
});

test("without the injector pods are refused or come unmeshed, as failurePolicy says", async () => {
  const { webhook = 0 } = injector?.ports ?? {};
  await injector?.close();
  const refused = await create(podIn("injector-on", "refused"));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("injector.test.linkerd.io");
  await setWebhook("Ignore");
  expect(proxyOf(await createAtLast("unmeshed"))).toBeUndefined();
  await start(webhook);
  expect(proxyOf((await create(podIn("injector-on", "again"))).object))
    .toBe("linkerd-proxy");
});
