// `linkerd diagnostics` as a process under Deno, asking a control plane that reads a folder: no cluster.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toYaml } from "../control/testing/folder.ts";
import {
  podManifest,
  serverManifest,
  serviceManifest,
  sliceManifest,
} from "../control/testing/objects.ts";
import { policyManifest } from "../control/testing/policies.ts";
import { clientRoute } from "../control/testing/routes.ts";

const ROOT = join(import.meta.dir, "..");
/** Two runtimes start on a busy machine. */
const TIMEOUT_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), "linkerd-diagnostics-"));
const api = { destination: "", policy: "" };
let control: Bun.Subprocess<"ignore", "ignore", "pipe">;

beforeAll(async () => {
  await Bun.write(
    join(folder, "shop.yaml"),
    toYaml([
      serviceManifest("web", "10.0.0.5"),
      podManifest("web-1", "10.1.0.1"),
      podManifest("web-2", "10.1.0.20"),
      sliceManifest("web", [["web-2", "10.1.0.20"], ["web-1", "10.1.0.1"]]),
      serverManifest("web-http", { spec: { accessPolicy: "deny" } }),
      serviceManifest("api", "10.0.0.6"),
      clientRoute("HTTPRoute", "canary", [{
        filters: [{
          type: "RequestHeaderModifier",
          requestHeaderModifier: { set: [{ name: "x-by", value: "canary" }] },
        }],
        backendRefs: [
          { name: "api", port: 80, weight: 9 },
          { name: "api-2", port: 80 },
        ],
      }], { parentRefs: [{ kind: "Service", name: "api" }] }),
      policyManifest("ServiceImport", "far", {
        ports: [{ name: "http", port: 80 }],
      }, { apiVersion: "multicluster.x-k8s.io/v1alpha1" }),
      clientRoute("HTTPRoute", "mine", [{}], {
        namespace: "buyer",
        parentRefs: [{
          group: "multicluster.x-k8s.io",
          kind: "ServiceImport",
          name: "far",
          namespace: "shop",
        }],
      }),
    ]),
  );
  control = Bun.spawn([
    process.execPath,
    join(ROOT, "control", "main.ts"),
    "destination",
    "--source=files",
    `--manifests=${folder}`,
    "--addr=127.0.0.1:0",
    "--policy-addr=127.0.0.1:0",
    "--admin-addr=127.0.0.1:0",
  ], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const serving = await lineOf(control.stderr, "msg=serving");
  const port = (name: string) =>
    new RegExp(` ${name}=(\\d+)`).exec(serving)?.[1];
  api.destination = `127.0.0.1:${port("destination")}`;
  api.policy = `127.0.0.1:${port("policy")}`;
}, TIMEOUT_MS);

afterAll(async () => {
  control.kill("SIGTERM");
  await control.exited;
  rmSync(folder, { recursive: true });
});

async function lineOf(
  stream: ReadableStream<Uint8Array>,
  wanted: string,
): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const line = text.split("\n").find((line) => line.includes(wanted));
    if (line !== undefined) return line;
  }
  throw new Error(`expected "${wanted}", found ${text}`);
}

async function diagnostics(...args: readonly string[]) {
  const child = Bun.spawn([
    join(ROOT, "node_modules", ".bin", "deno"),
    ...["run", "--quiet", "--allow-all", join(ROOT, "cli", "main.ts")],
    ...["diagnostics", ...args],
  ], {
    env: { HOME: folder, PATH: process.env["PATH"] ?? "" },
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

test("endpoints of a Service, as a table and as JSON", async () => {
  const asked = [
    "--api-addr",
    api.destination,
    "web.shop.svc.cluster.local:80",
  ];
  expect(await diagnostics("endpoints", ...asked)).toEqual({
    code: 0,
    stderr: "",
    stdout: `\
NAMESPACE   IP          PORT   POD     SERVICE
shop        10.1.0.1    8080   web-1   web.shop
shop        10.1.0.20   8080   web-2   web.shop
`,
  });
  const json = await diagnostics("ep", "-o", "json", ...asked);
  expect(JSON.parse(json.stdout)).toMatchObject([
    { ip: "10.1.0.1", port: 8080, weight: 10_000, labels: { pod: "web-1" } },
    { ip: "10.1.0.20", pod: "web-2", service: "web.shop" },
  ]);
}, TIMEOUT_MS);

test("the control plane's refusal is passed on", async () => {
  const asked = ["endpoints", "--api-addr", api.destination];
  expect(await diagnostics(...asked, "no.shop.svc.cluster.local:80")).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "Destination API error: rpc error: code = NotFound desc = No such service: no.shop.svc.cluster.local:80\n",
  });
}, TIMEOUT_MS);

test("the policy of a Pod's port, and of a Service's", async () => {
  const asked = ["policy", "-n", "shop", "--api-addr", api.policy];
  const inbound = await diagnostics(...asked, "po/web-1", "8080");
  expect(inbound.stderr).toBe("");
  expect(inbound.stdout).toContain("  kind: server\n  name: web-http\n");
  expect(inbound.stdout).toContain("protocol:\n  Kind:\n    Detect:\n");
  const outbound = await diagnostics(...asked, "svc/web", "80", "-o", "json");
  expect(JSON.parse(outbound.stdout)).toMatchObject({
    metadata: { Kind: { Resource: { kind: "Service", name: "web" } } },
    protocol: { Kind: { Detect: { timeout: { seconds: 10 } } } },
  });
}, TIMEOUT_MS);

test("the routes of a Service, with all that they do", async () => {
  const asked = ["policy", "-n", "shop", "--api-addr", api.policy];
  const { stdout } = await diagnostics(...asked, "svc/api", "80");
  for (
    const line of [
      "name: canary",
      "path: api.shop.svc.cluster.local:80",
      "weight: 9",
      "message: Service not found api-2",
      "name: x-by",
      // As Go's JSON has bytes.
      `value: ${btoa("canary")}`,
    ]
  ) expect(stdout).toContain(`${line}\n`);
}, TIMEOUT_MS);

test(
  "the policy of a ServiceImport, and a route that is for one namespace",
  async () => {
    const asked = ["policy", "-n", "shop", "--api-addr", api.policy];
    const imported = await diagnostics(...asked, "serviceimport/far", "80");
    expect(imported.stdout).toContain(
      "path: far.shop.svc.clusterset.local:80\n",
    );
    expect(imported.stdout).not.toContain("name: mine\n");
    const token = ["--token", "buyer:any"];
    const mine = await diagnostics(
      ...asked,
      ...token,
      "serviceimport/far",
      "80",
    );
    expect(mine.stdout).toContain("name: mine\n");
  },
  TIMEOUT_MS,
);

test("the profile of an address", async () => {
  const asked = ["profile", "--api-addr", api.destination, "10.0.0.5:80"];
  expect(JSON.parse((await diagnostics(...asked)).stdout)).toMatchObject({
    fully_qualified_name: "web.shop.svc.cluster.local",
    retry_budget: { retry_ratio: 0.2 },
  });
}, TIMEOUT_MS);
