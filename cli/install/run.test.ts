import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { VERSION } from "../../schemas/version.ts";
import { makeAuthority } from "../certificates/make.ts";
import { type Ran, runLinkerd } from "../inject/testing/run.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "install-"));
});
afterAll(() => rm(folder, { recursive: true }));

function install(...args: string[]): Promise<Ran> {
  return runLinkerd("install", "--ignore-cluster", ...args);
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** Fields of an object that was printed. */
// deno-lint-ignore no-explicit-any -- tests reach deep into what YAML holds
type Printed = any;

function printed({ stdout }: Ran, kind: string, name: string): Printed {
  return parseAllDocuments(stdout).map((document) => document.toJS() as Printed)
    .find((one) => one.kind === kind && one.metadata.name === name);
}

/** Flags that give an authority's files. */
async function files(
  authority: { readonly crtPEM: string; readonly keyPEM: string },
  anchorsPEM: string = authority.crtPEM,
): Promise<string[]> {
  return [
    `--identity-issuer-certificate-file=${await file(
      "issuer.crt",
      authority.crtPEM,
    )}`,
    `--identity-issuer-key-file=${await file("issuer.key", authority.keyPEM)}`,
    `--identity-trust-anchors-file=${await file("ca.crt", anchorsPEM)}`,
  ];
}

test("without a cluster to ask, install says to ignore it", async () => {
  const ran = await runLinkerd("install", "--kubeconfig=/no/such/file");
  expect(ran).toEqual({
    code: 1,
    stdout: "",
    stderr: "Unable to install the Linkerd control plane. Cannot connect to " +
      "the Kubernetes cluster:\n\nCannot read kubeconfig /no/such/file: there " +
      "is no such file\n\nYou can use the --ignore-cluster flag if you just " +
      "want to generate the installation config.\n",
  });
});

test("install --crds says what comes next, on standard error", async () => {
  const ran = await install("--crds");
  expect(ran.stderr).toBe(
    "Rendering Linkerd CRDs...\nNext, run `linkerd install | kubectl apply " +
      "-f -` to install the control plane.\n\n",
  );
  expect(ran.stdout.match(/^kind: CustomResourceDefinition$/gm)).toHaveLength(
    10,
  );
});

test("credentials are made when none are given: one for issuer and anchor", async () => {
  const ran = await install("--identity-trust-domain=mesh.example");
  const issuer = printed(ran, "Secret", "linkerd-identity-issuer").data;
  const roots = printed(ran, "ConfigMap", "linkerd-identity-trust-roots").data;
  const crt = Buffer.from(issuer["crt.pem"], "base64").toString();
  expect(roots["ca-bundle.crt"]).toBe(crt);
  const path = await file("made.pem", crt);
  const openssl = Bun.spawnSync([
    "openssl",
    "x509",
    "-in",
    path,
    "-noout",
    "-subject",
  ]);
  expect(openssl.stdout.toString().trim()).toBe(
    "subject=CN = identity.linkerd.mesh.example",
  );
  const again = await install();
  expect(again.stdout).not.toContain(issuer["crt.pem"]);
});

test("credentials that are given are the ones installed", async () => {
  const authority = makeAuthority("identity.linkerd.ours", Date.now());
  const anchors = `# our root\n${authority.crtPEM}`;
  const ran = await install(...await files(authority, anchors));
  expect(ran.code).toBe(0);
  const { data } = printed(ran, "Secret", "linkerd-identity-issuer");
  const text = (key: string) => Buffer.from(data[key], "base64").toString();
  expect(text("crt.pem")).toBe(authority.crtPEM);
  expect(text("key.pem")).toBe(authority.keyPEM);
  const roots = printed(ran, "ConfigMap", "linkerd-identity-trust-roots").data;
  expect(roots["ca-bundle.crt"]).toBe(anchors);
});

test("with a collector the control plane's own proxies send traces, too", async () => {
  const ran = await install(
    "--set=proxy.tracing.enabled=true,proxy.tracing.labels.team=mesh",
    "--set=proxy.tracing.collector.endpoint=collector.tracing:4318",
    "--set=proxy.tracing.collector.meshIdentity.serviceAccountName=collector",
    "--set=proxy.tracing.collector.meshIdentity.namespace=tracing",
  );
  expect(ran.code).toBe(0);
  const { spec } = printed(ran, "Deployment", "linkerd-destination").spec
    .template;
  const podinfo = "linkerd-podinfo";
  const named = (list: Printed[], name: string): Printed =>
    list.find((one) => one.name === name);
  const field = (path: string) => ({
    path,
    fieldRef: { fieldPath: `metadata.${path}` },
  });
  expect(named(spec.volumes, podinfo).downwardAPI.items).toEqual([
    field("annotations"),
    field("labels"),
  ]);
  const proxy = named(
    [...spec.containers, ...spec.initContainers],
    "linkerd-proxy",
  );
  const folder = named(proxy.volumeMounts, podinfo).mountPath;
  const told = Object.fromEntries(
    proxy.env.map(({ name, value }: Printed) => [name, value]),
  );
  expect(told).toMatchObject({
    LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH: `${folder}/labels`,
    LINKERD2_PROXY_TRACE_SERVICE_NAME: "linkerd-proxy",
    LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR: "collector.tracing:4318",
    LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME:
      "collector.tracing.serviceaccount.identity.linkerd.cluster.local",
  });
  expect(told["LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES"]).toContain(
    "k8s.pod.ip=$(_pod_ip)\n",
  );
  expect(told["LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES"]).toContain(
    "team=mesh\n",
  );
});

test("an issuer of others needs its anchors only", async () => {
  const flag = "--identity-external-issuer";
  const { crtPEM } = makeAuthority("root.ours", Date.now());
  const anchors = `--identity-trust-anchors-file=${await file(
    "r.crt",
    crtPEM,
  )}`;
  const ran = await install(flag, anchors);
  expect(printed(ran, "Secret", "linkerd-identity-issuer")).toBeUndefined();
  const pod = printed(ran, "Deployment", "linkerd-identity").spec.template.spec;
  expect(pod.containers[0].args).toContain(
    "--identity-scheme=kubernetes.io/tls",
  );
  const kept = await install(flag, "--identity-external-ca");
  expect(printed(kept, "ConfigMap", "linkerd-identity-trust-roots"))
    .toBeUndefined();
});

test.each<[string[], string]>([
  [["--set=proxy.imge=x"], "proxy.imge: unknown key, the nearest known is pro"],
  [["--set=controllerReplicas=two"], 'found "two", expected a whole number'],
  [["--set=enableH2Upgrade=false"], "enableH2Upgrade: found false"],
  [
    ["--controller-log-level=loud"],
    "--controller-log-level must be one of: panic, fatal, error, warn, info, debug, trace",
  ],
  [
    ["--image-pull-policy=Sometimes"],
    "--image-pull-policy must be one of: Always, IfNotPresent, Never",
  ],
  [
    ["--default-inbound-policy=open"],
    "--default-inbound-policy must be one of: all-authenticated, all-unauthenticated, cluster-authenticated, cluster-unauthenticated, deny, audit (got open)",
  ],
  [["--proxy-log-level="], "--proxy-log-level must not be empty"],
  [["--proxy-log-level=a=b=c"], "is not a valid proxy log level"],
  [
    ["--proxy-cpu-request=lots"],
    "Invalid cpu request 'lots' for --proxy-cpu-request flag",
  ],
  [
    ["--proxy-memory-limit=1Q"],
    "Invalid memory limit '1Q' for --proxy-memory-limit flag",
  ],
  [
    ["--proxy-cpu-request=2", "--proxy-cpu-limit=1500m"],
    "The cpu limit '1500m' cannot be lower than the cpu request '2'",
  ],
  [["--skip-inbound-ports=80-"], '"" is not a valid upper-bound'],
  [
    ["--skip-outbound-ports=90-80"],
    '"90-80": upper-bound must be greater than or equal to lower-bound',
  ],
  [["--skip-outbound-ports=http"], '"http" is not a valid port nor port-range'],
  [["--identity-trust-domain=Mesh_1"], "invalid trust domain 'Mesh_1'"],
  [
    ["--set=clusterNetworks=10.0.0.0/99"],
    "cannot parse destination get networks",
  ],
  [["--set=proxy.image.version=a b"], "a b is not a valid version"],
  [
    ["--identity-issuance-lifetime=long"],
    'identity.issuer.issuanceLifetime "long"',
  ],
  [
    ["--set=proxy.tracing.enabled=true"],
    "proxy.tracing.collector.endpoint is empty",
  ],
  [
    [
      "--set=proxy.tracing.enabled=true",
      "--set=proxy.tracing.collector.endpoint=collector.tracing:4318",
    ],
    "proxy.tracing.collector.meshIdentity.serviceAccountName is empty",
  ],
  [["--crds", "--set=enableTlsRoutes=true"], "enableTlsRoutes: found true"],
  [["-o", "xml"], "unsupported format xml"],
  [["-L", "a/b"], "a/b is not a valid namespace"],
  [["--set=a"], "it has no value, expected key=value"],
  [["--values=/nowhere.yml"], "/nowhere.yml"],
  [["--set-file=proxy.logLevel=/nowhere"], 'Cannot read --set-file "/nowhere"'],
  [
    ["--identity-issuer-key-file=/nowhere"],
    "Cannot read --identity-issuer-key-file",
  ],
  [
    ["--identity-external-issuer"],
    "--ignore-cluster is not supported when --identity-external-issuer=true",
  ],
  [["--identity-external-ca"], "Cannot make an issuer"],
  [
    ["--set=proxyInjector.injectCaFrom=a/b"],
    "set proxyInjector.externalSecret=true",
  ],
  [
    ["--set=policyValidator.externalSecret=true"],
    "not who signed the certificate",
  ],
  [
    ["--set=proxyInjector.caBundle=a,proxyInjector.injectCaFrom=b"],
    "more than one of caBundle",
  ],
])("install %j is refused and prints nothing", async (args, said) => {
  const ran = await install(...args);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toBe("");
  expect(ran.stderr).toContain(said);
});

test("credentials that do not fit are refused, and the key is never shown", async () => {
  const one = makeAuthority("identity.linkerd.one", Date.now());
  const other = makeAuthority("identity.linkerd.other", Date.now());
  const [crt = "", key = "", anchors = ""] = await files(one);
  const cases: [string[], string][] = [
    [[crt, key], "a trust anchors file must be specified"],
    [[key, anchors], "a certificate file must be specified"],
    [[crt, anchors], "a private key file must be specified"],
    [
      [crt, key, anchors, "--identity-external-issuer"],
      "must not be specified if --identity-external-issuer=true",
    ],
  ];
  for (const [args, said] of cases) {
    expect((await install(...args)).stderr).toContain(said);
  }
  const foreign = await install(...await files(one, other.crtPEM));
  expect(foreign.stderr).toContain("no chain leads from");
  const swapped = await install(
    ...await files({ crtPEM: one.crtPEM, keyPEM: other.keyPEM }),
  );
  expect(swapped.stderr).toContain("Public and private key do not match");
  expect(swapped.stderr).not.toContain("PRIVATE");
});

test("values come in Linkerd's order: flags, files, --set, --set-string, --set-file", async () => {
  const first = await file("a.yml", "controllerReplicas: 2\nproxy: {uid: 7}\n");
  const second = await file("b.yml", "controllerReplicas: 4\n");
  const level = await file("level", "debug");
  const ran = await install(
    "--ha",
    "--controller-replicas=9",
    `--values=${first},${second}`,
    "--set=controllerLogLevel=warn,nodeSelector=null",
    "--set-string=proxyInit.skipSubnets=10",
    `--set-file=proxy.logLevel=${level}`,
  );
  const { data } = printed(ran, "ConfigMap", "linkerd-config");
  const [values] = parseAllDocuments(data.values).map((one) => one.toJS());
  expect(values).toMatchObject({
    controllerReplicas: 4,
    controllerLogLevel: "warn",
    highAvailability: true,
    proxy: { uid: 7, logLevel: "debug" },
    proxyInit: { skipSubnets: "10" },
  });
  expect(values).not.toHaveProperty("nodeSelector");
});

test("--registry moves every image, and keeps its own name", async () => {
  const { stdout } = await install("--registry=r.example/x/");
  const images = new Set(
    stdout.match(/^ +image: .*$/gm)?.map((line) => line.trim()),
  );
  expect([...images].sort()).toEqual([
    `image: r.example/x/controller:${VERSION}`,
    `image: r.example/x/proxy:${VERSION}`,
  ]);
});
