// An install from the first day to the last, with kubectl at the other end of the pipe: the same story under `deno run`
// and with the built file.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority } from "../../cli/certificates/make.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { deleteKinds, isInstalled } from "./testing/kinds.ts";

/**
 * Some sixty objects by kubectl, and a namespace that goes away with all it has: 15 s on a busy machine. The rest is
 * for one that does more besides: who gives up here leaves a mess to the next.
 */
const TIMEOUT_MS = 240_000;
const ROOT = join(import.meta.dir, "..", "..");
const LABEL = "linkerd.io/control-plane-ns";
const MESHED = "install-meshed";
const GATEWAY = "gateway.networking.k8s.io";

let api: ApiServer;
let folder = "";
const DENO = join(ROOT, "node_modules", ".bin", "deno");
const COMMANDS: readonly (readonly [string, () => readonly string[]])[] = [
  ["deno run", () => [
    DENO,
    ...["run", "--quiet", "--allow-all", join(ROOT, "cli", "main.ts")],
  ]],
  ["the built file", () => [join(folder, "linkerd")]],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "install-"));
  const build = Bun.spawn([
    "node",
    join(ROOT, "cli", "build.mjs"),
    "--offline",
    "--output",
    join(folder, "linkerd"),
  ], { stderr: "ignore" });
  expect(await build.exited).toBe(0);
  api = await openApiServer();
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  await clean();
  await api.stop();
  await rm(folder, { recursive: true });
}, TIMEOUT_MS);

/** Removes whatever a test left when it failed, and the Gateway API, which outlives an uninstall. */
async function clean(): Promise<void> {
  // APIs first: while nobody serves one, no namespace can go.
  const kinds = "apiservice,clusterrole,clusterrolebinding," +
    "mutatingwebhookconfiguration,validatingwebhookconfiguration";
  await kubectl(api, ["delete", kinds, "-l", LABEL]);
  await kubectl(api, ["delete", "rolebinding", "-A", "-l", LABEL]);
  await deleteKinds(
    api,
    (one) => isInstalled(one) || one.spec.group === GATEWAY,
  );
  await kubectl(api, ["delete", "namespace", "-l", LABEL]);
  await kubectl(api, [
    ...["delete", "--ignore-not-found", "namespace", MESHED, "install-ext"],
  ]);
}

describe.each(COMMANDS)("%s", (_, command) => {
  beforeAll(clean, TIMEOUT_MS);

  /** Runs the command against the test's API server. */
  async function linkerd(...args: string[]) {
    const child = Bun.spawn([...command(), ...args], {
      env: { KUBECONFIG: api.kubeconfig, PATH: "/usr/bin:/bin" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** What a command prints that has to succeed. */
  async function manifests(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await linkerd(...args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Applies manifests; a warning of the API server is an error. What was not `unchanged`, in kubectl's words. */
  async function apply(text: string): Promise<string[]> {
    const { code, stdout, stderr } = await tryKubectl(
      api,
      ["apply", "--warnings-as-errors", "-f", "-"],
      text,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout.trim().split("\n").filter((line) =>
      !line.endsWith(" unchanged")
    );
  }

  async function left(): Promise<string> {
    const kinds = "apiservice,clusterrole,clusterrolebinding,crd,namespace," +
      "mutatingwebhookconfiguration,validatingwebhookconfiguration";
    const [everywhere, within] = await Promise.all(
      [[kinds], ["role,rolebinding", "-A"]].map((what) =>
        kubectl(api, ["get", ...what, "-l", LABEL, "-o", "name"])
      ),
    );
    return `${everywhere}${within}`;
  }

  test(
    "one command installs all of it, and applying it again changes nothing",
    async () => {
      expect(await linkerd("version")).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("Server version: unavailable\n"),
      });
      const text = await manifests("install");
      const made = await apply(text);
      expect(made.every((line) => line.endsWith(" created"))).toBe(true);
      expect(made.join("\n")).toContain("servers.policy.linkerd.io created");
      expect(made.join("\n")).toContain("httproutes.gateway.networking.k8s.io");
      expect(made.join("\n")).toContain("deployment.apps/linkerd-identity");
      expect(await apply(text)).toEqual([]);
      expect((await linkerd("version", "--short")).stdout)
        .toMatch(/^(\S+)\n\1\n$/);
    },
    TIMEOUT_MS,
  );

  test("what is installed is not installed again", async () => {
    for (const args of [["install"], ["install", "--crds"]]) {
      expect(await linkerd(...args)).toEqual({
        code: 1,
        stdout: "",
        stderr:
          "Can't install the Linkerd control plane in the 'linkerd' namespace. " +
          "Reason: ConfigMap/linkerd-config already exists.\n" +
          "Run the command `linkerd upgrade`, if you are looking to upgrade Linkerd.\n",
      });
    }
  }, TIMEOUT_MS);

  test(
    "an upgrade to the same changes nothing, and keeps what was asked before",
    async () => {
      const same = await manifests("upgrade");
      expect(await manifests("upgrade")).toBe(same);
      expect(await apply(same)).toEqual([]);
      expect(await apply(await manifests("upgrade", "--crds"))).toEqual([]);
      const changed = await apply(
        await manifests("upgrade", "--set", "proxy.logLevel=debug"),
      );
      expect(changed).toContain("configmap/linkerd-config configured");
      expect(changed).not.toContain(
        "secret/linkerd-identity-issuer configured",
      );
      expect(await apply(await manifests("upgrade"))).toEqual([]);
      const stored = await kubectl(api, [
        ...["get", "-n", "linkerd", "secret,configmap", "-o", "yaml"],
      ]);
      const file = join(folder, "stored.yml");
      await Bun.write(file, stored);
      expect(await manifests("upgrade", "--from-manifests", file))
        .toBe(await manifests("upgrade"));
    },
    TIMEOUT_MS,
  );

  test("inject goes by the values of the cluster", async () => {
    const pod = join(folder, "pod.yml");
    await Bun.write(
      pod,
      "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n",
    );
    const text = await manifests("inject", "--manual", pod);
    expect(text).toContain("value: debug");
    expect(text).toContain("-----BEGIN CERTIFICATE-----");
  }, TIMEOUT_MS);

  test("prune finds what no install has", async () => {
    expect(await manifests("prune")).toBe("");
    const text = await manifests("upgrade");
    const old = `apiVersion: v1
kind: ConfigMap
metadata: {name: linkerd-old, namespace: linkerd, labels: {${LABEL}: linkerd}}
`;
    await apply(old);
    const stubs = await manifests("prune");
    expect(stubs).toBe(
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: linkerd-old\n  namespace: linkerd\n---\n",
    );
    await kubectl(api, ["delete", "-f", "-"], stubs);
    expect(await apply(text)).toEqual([]);
  }, TIMEOUT_MS);

  test(
    "an issuer that running proxies do not trust is refused, unless forced",
    async () => {
      const anchors = makeAuthority("elsewhere", Date.now()).crtPEM;
      await apply(`apiVersion: v1
kind: Namespace
metadata: {name: ${MESHED}}
`);
      await apply(JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: "web",
          namespace: MESHED,
          labels: { [LABEL]: "linkerd" },
        },
        spec: {
          containers: [{
            name: "linkerd-proxy",
            image: "proxy:1.2.3",
            env: [{
              name: "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS",
              value: anchors,
            }],
          }],
        },
      }));
      const refused = await linkerd("upgrade");
      expect(refused.code).toBe(1);
      expect(refused.stdout).toBe("");
      expect(refused.stderr).toContain(`pods:\n\t* ${MESHED}/web\nThese pods`);
      expect((await linkerd("upgrade", "--force")).code).toBe(0);
      expect((await linkerd("version", "--proxy", "--short")).stdout)
        .toContain("Proxy versions:\n\t1.2.3 (1 pods)\n");
    },
    TIMEOUT_MS,
  );

  test(
    "uninstall waits for extensions and meshed pods, and leaves nothing behind",
    async () => {
      await apply(`apiVersion: v1
kind: Namespace
metadata: {name: install-ext, labels: {linkerd.io/extension: viz}}
`);
      expect(await linkerd("uninstall")).toEqual({
        code: 1,
        stdout: "",
        stderr:
          "Please uninstall the following extensions before uninstalling the control-plane:\n\t* viz\n" +
          "Please uninject the following pods before uninstalling the control-plane:\n\t* web\n",
      });
      expect((await linkerd("uninstall", "--force")).code).toBe(0);
      // Their namespaces cannot go before the APIs that nobody serves here.
      await kubectl(api, ["delete", "pods", "--all", "-n", MESHED]);
      await kubectl(api, [
        ...["label", "namespace", "install-ext", "linkerd.io/extension-"],
      ]);
      await kubectl(api, ["delete", "-f", "-"], await manifests("uninstall"));
      await kubectl(api, ["delete", "namespace", MESHED, "install-ext"]);
      // The Gateway API stays: routes of others may be in it.
      expect((await left()).trim().split("\n")).toEqual([
        "customresourcedefinition.apiextensions.k8s.io/grpcroutes.gateway.networking.k8s.io",
        "customresourcedefinition.apiextensions.k8s.io/httproutes.gateway.networking.k8s.io",
        "customresourcedefinition.apiextensions.k8s.io/referencegrants.gateway.networking.k8s.io",
        "customresourcedefinition.apiextensions.k8s.io/tcproutes.gateway.networking.k8s.io",
        "customresourcedefinition.apiextensions.k8s.io/tlsroutes.gateway.networking.k8s.io",
      ]);
      expect(await linkerd("uninstall")).toEqual({
        code: 0,
        stdout: "",
        stderr: "No resources found to uninstall\n",
      });
      expect((await linkerd("upgrade")).stderr).toContain(
        "Linkerd CRDs must be installed first. Run linkerd upgrade with the --crds flag:\n" +
          "CRD authorizationpolicies.policy.linkerd.io is missing\n",
      );
      expect((await linkerd("prune")).stderr).toBe(
        "Could not find the linkerd-config-overrides secret.\n" +
          "Please note this command is only intended for instances of Linkerd that were installed via the CLI\n",
      );
    },
    TIMEOUT_MS,
  );

  test("in two steps with --ha, beside a Gateway API of others", async () => {
    await clean();
    await kubectl(api, ["apply", "-f", "-"], gateway("v1beta1"));
    expect((await linkerd("install", "--crds")).stderr).toContain(
      "the httproutes.gateway.networking.k8s.io CRD is missing the v1 version",
    );
    await kubectl(api, ["apply", "-f", "-"], gateway("v1"));
    const claimed = await linkerd(
      ...["install", "--crds", "--set", "installGatewayAPI=true"],
    );
    expect(claimed.stderr).toContain("already installed by an external source");
    const crds = await manifests("install", "--crds");
    expect(crds).not.toContain("name: httproutes.gateway");
    await apply(crds);
    expect(await apply(crds)).toEqual([]);
    const ha = await manifests("install", "--ha");
    expect(ha).not.toContain("CustomResourceDefinition");
    await apply(ha);
    // kubectl sends the selector of a budget every time, changed or not; the API server's count of changes tells.
    expect((await apply(ha)).filter((line) => !line.startsWith("podd")))
      .toEqual([]);
    const generations = await kubectl(api, [
      ...["get", "pdb", "-n", "linkerd", "-o"],
      "jsonpath={.items[*].metadata.generation}",
    ]);
    expect(generations).toBe("1 1 1");
    await kubectl(api, ["delete", "-f", "-"], await manifests("uninstall"));
    expect(await left()).toBe("");
  }, TIMEOUT_MS);
});

/** HTTPRoutes as somebody else might bring them. */
function gateway(version: string): string {
  return JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `httproutes.${GATEWAY}`,
      annotations: {
        "api-approved.kubernetes.io":
          "https://github.com/kubernetes-sigs/gateway-api/pull/1",
      },
    },
    spec: {
      group: GATEWAY,
      names: { kind: "HTTPRoute", plural: "httproutes" },
      scope: "Namespaced",
      versions: [...new Set(["v1beta1", version])].map((name) => ({
        name,
        served: true,
        storage: name === "v1beta1",
        schema: { openAPIV3Schema: { type: "object" } },
      })),
    },
  });
}
