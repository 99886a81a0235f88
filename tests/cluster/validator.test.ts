// The validating webhooks as the API server uses them: what cannot mean anything is refused with field and fix.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startValidator } from "../../control/start/validator.ts";
import type { Running } from "../../control/start/running.ts";
import { recordLogs } from "../../control/testing/logs.ts";
import { createScratch } from "../../control/testing/scratch.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { writeCertificate } from "./testing/certificate.ts";
import { renderInstall, toList } from "./testing/manifests.ts";

setDefaultTimeout(60_000);

/** An API server of its own, for the CRDs. */
const HOME =
  new URL("../../.cache/cluster-validator", import.meta.url).pathname;
const PROGRAMS = ["policy-validator", "sp-validator"] as const;

let api: ApiServer;
let folder: Awaited<ReturnType<typeof createScratch>>;
const running: Running[] = [];

beforeAll(async () => {
  [api, folder] = await Promise.all([openApiServer(HOME), createScratch()]);
  await kubectl(
    api,
    ["apply", "--server-side", "-f", "-"],
    toList(await renderInstall("linkerd", "--crds")),
  );
  const caBundle = await writeCertificate(folder.path);
  const install = await renderInstall("linkerd");
  for (const program of PROGRAMS) {
    const validator = await startValidator({
      program,
      address: { host: "127.0.0.1", port: 0 },
      adminAddress: { host: "127.0.0.1", port: 0 },
      log: { level: "info", format: "plain" },
      certificate: folder.path,
      drainMs: 0,
    }, recordLogs().log);
    running.push(validator);
    const rendered = install.find(({ kind, metadata }) =>
      kind === "ValidatingWebhookConfiguration" &&
      metadata.name.includes(program)
    ) as unknown as { readonly webhooks: readonly [object] };
    await kubectl(
      api,
      ["apply", "-f", "-"],
      JSON.stringify({
        ...rendered,
        webhooks: [{
          ...rendered.webhooks[0],
          failurePolicy: "Fail",
          clientConfig: {
            url: `https://127.0.0.1:${validator.ports["webhook"]}/`,
            caBundle,
          },
        }],
      }),
    );
  }
  // In force once something is refused.
  for (const [, manifest] of REFUSED.slice(0, 1).concat(REFUSED.slice(-1))) {
    await waitFor(
      async () => (await dryRun(manifest)).code === 0 ? null : true,
      { what: () => "a refusal" },
    );
  }
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  for (const one of running) await one.close();
  await folder[Symbol.asyncDispose]();
  await api.stop();
}, 60_000);

function dryRun(manifest: object) {
  return tryKubectl(
    api,
    ["create", "--dry-run=server", "-f", "-"],
    JSON.stringify(manifest),
  );
}

function policy(kind: string, version: string, spec: object): object {
  return {
    apiVersion: `policy.linkerd.io/${version}`,
    kind,
    metadata: { name: "web", namespace: "default" },
    spec,
  };
}

const SERVER = { podSelector: {}, port: 80 };

/** What is named, and in what. */
const REFUSED: readonly (readonly [says: string, manifest: object])[] = [
  [
    "spec.proxyProtocol",
    policy("Server", "v1beta3", { ...SERVER, proxyProtocol: "HTTP/9" }),
  ],
  [
    "spec.accessPolicy",
    policy("Server", "v1beta3", { ...SERVER, accessPolicy: "everybody" }),
  ],
  [
    "spec.networks",
    policy("NetworkAuthentication", "v1alpha1", { networks: [] }),
  ],
  [
    "spec.identities[0]",
    policy("MeshTLSAuthentication", "v1alpha1", { identities: ["a.*.b"] }),
  ],
  [
    "spec.targetRef.kind",
    policy("HTTPLocalRateLimitPolicy", "v1alpha1", {
      targetRef: { group: "core", kind: "Service", name: "web" },
      total: { requestsPerSecond: 10 },
    }),
  ],
  [
    "spec.routes[0].condition.all[0].not",
    {
      apiVersion: "linkerd.io/v1alpha2",
      kind: "ServiceProfile",
      metadata: { name: "web.default.svc.cluster.local", namespace: "default" },
      spec: { routes: [{ name: "a", condition: { all: [{ not: {} }] } }] },
    },
  ],
];

test.each(REFUSED)("%s is named in a refusal", async (says, manifest) => {
  const { code, stderr } = await dryRun(manifest);
  expect(code).toBe(1);
  expect(stderr).toContain(says);
});

test("what is good is admitted without a word", async () => {
  const { code, stderr } = await dryRun(policy("Server", "v1beta3", SERVER));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a route of a Service is admitted without a word", async () => {
  const { code, stderr } = await dryRun(policy("HTTPRoute", "v1beta3", {
    parentRefs: [{ group: "core", kind: "Service", name: "web", port: 80 }],
    rules: [{ backendRefs: [{ name: "web", port: 80 }] }],
  }));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
