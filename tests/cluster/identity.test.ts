// Identity on a node: tokens that the API server reviews, and certificates that are renewed under traffic.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  createCa,
  createRequest,
  type Pair,
} from "../../control/testing/pki.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { Identity } from "../../schemas/proto/gen/identity_pb.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import { openForward } from "./testing/forward.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { toList } from "./testing/manifests.ts";
import {
  openTerminal,
  readScripts,
  type Terminal,
} from "./testing/terminal.ts";
import { createToken, signAgain } from "./testing/token.ts";
import { namespaceOf, SERVE_NAME, workload } from "./testing/workload.ts";

setDefaultTimeout(180_000);

const NAMESPACE = "identity-shop";
const PAGE = "docs/rotation.md";
const MAIN = resolve(import.meta.dir, "../../cli/main.ts");
const AUDIENCE = "identity.l5d.io";
const WEB = `web.${NAMESPACE}.serviceaccount.identity.linkerd.cluster.local`;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** Long enough that a proxy on a busy machine gets its next certificate in time: it asks at 70 %. */
const LIFETIME = "30s";

let node: ApiServer;
let mesh: Mesh;
/** Where somebody keeps the credentials of a mesh, and rotates them. */
let folder = "";
let terminal: Terminal;
let anchor: Pair;
let hurries = 0;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/linkerd-ts-identity-`);
  const now = Date.now();
  anchor = await createCa({
    name: "root.linkerd.cluster.local",
    notBeforeMs: now - HOUR_MS,
    notAfterMs: now + YEAR_MS,
  });
  const first = await makeIssuer("first");
  const files = {
    "identity-trust-anchors-file": anchor.certificatePem,
    "identity-issuer-certificate-file": first.certificatePem,
    "identity-issuer-key-file": first.keyPem,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(`${folder}/${name}`, text);
  }
  await writeFile(`${folder}/ca.crt`, anchor.certificatePem);
  await writeFile(`${folder}/ca.key`, anchor.keyPem);
  await writeFile(
    `${folder}/linkerd`,
    `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`,
    { mode: 0o755 },
  );
  node = await openNode();
  terminal = await openTerminal({
    KUBECONFIG: node.kubeconfig,
    PATH: `${folder}:${dirname(node.kubectl)}:${process.env["PATH"]}`,
  });
  mesh = await installMesh(node, [
    ...Object.keys(files).map((name) => `--${name}=${folder}/${name}`),
    `--identity-issuance-lifetime=${LIFETIME}`,
    "--identity-clock-skew-allowance=5s",
  ]);
  const mutual = {
    "config.linkerd.io/default-inbound-policy": "all-authenticated",
  };
  await apply(
    namespaceOf(NAMESPACE),
    ...workload({
      name: "web",
      namespace: NAMESPACE,
      script: SERVE_NAME,
      port: 8080,
      annotations: mutual,
    }),
    ...workload({ name: "caller", namespace: NAMESPACE, script: CALL }),
  );
  for (const name of ["web", "caller"]) {
    await run("rollout", "status", `deployment/${name}`, "--timeout=2m");
  }
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(node, ["delete", "namespace", NAMESPACE, "--timeout=2m"]);
  await mesh.uninstall();
  await node.stop();
  await terminal.close();
  await rm(folder, { recursive: true });
}, INSTALL_TIMEOUT_MS);

test("a certificate is for who the API server says the token's owner is, for nobody else", async () => {
  const token = await createToken(node, {
    namespace: NAMESPACE,
    name: "web",
    audience: AUDIENCE,
  });
  const certificate = await certify(token, WEB);
  expect(certificate.subjectAltName).toBe(`DNS:${WEB}`);
  expect(certificate.issuer).toBe("CN=first");

  const other = WEB.replace("web", "caller");
  expect(await refusal(token, other)).toEqual({
    code: Code.FailedPrecondition,
    message: `Cannot issue "${other}": the token is of "${WEB}"`,
  });
  expect(await refusal(token, WEB, other)).toEqual({
    code: Code.FailedPrecondition,
    message: expect.stringContaining(other),
  });
});

test("a token for another audience is refused", async () => {
  const token = await createToken(node, {
    namespace: NAMESPACE,
    name: "web",
    audience: "elsewhere",
  });
  expect(await refusal(token, WEB)).toEqual({
    code: Code.InvalidArgument,
    message: expect.stringContaining('token audiences ["elsewhere"]'),
  });
});

test("a token that has expired is refused, and one of a stranger's key", async () => {
  const token = await createToken(node, {
    namespace: NAMESPACE,
    name: "web",
    audience: AUDIENCE,
  });
  const now = Math.floor(Date.now() / 1_000);
  const earlier = { iat: now - 7_200, nbf: now - 7_200 };
  // The same with an end to come: what is refused below is refused for its end alone.
  const good = await signAgain(node, token, { ...earlier, exp: now + 600 });
  expect((await certify(good, WEB)).subjectAltName).toBe(`DNS:${WEB}`);
  const late = await signAgain(node, token, { ...earlier, exp: now - 600 });
  expect(await refusal(late, WEB)).toEqual({
    code: Code.InvalidArgument,
    message: expect.stringContaining("token has expired"),
  });
  const forged = `${token.slice(0, token.lastIndexOf("."))}.${
    Buffer.alloc(256, 1).toString("base64url")
  }`;
  expect(await refusal(forged, WEB)).toEqual({
    code: Code.InvalidArgument,
    message: expect.stringContaining("invalid bearer token"),
  });
});

test("leaf and issuer are renewed under traffic, and no request fails", async () => {
  const before = await requests();
  const first = await shownBy("web");
  expect(first.issuer).toBe("first");
  await waitFor(
    async () => (await shownBy("web")).serial === first.serial ? null : true,
    { what: () => "another certificate of web", timeoutMs: 90_000 },
  );

  for (const script of await readScripts("The issuer", PAGE)) {
    await type(script);
  }
  for (const name of ["web", "caller"]) {
    await waitFor(async () => {
      await hurry();
      const { issuer } = await shownBy(name);
      return issuer === "issuer-2.linkerd.cluster.local" ? true : null;
    }, {
      what: () => `a certificate of ${name} by the new issuer`,
      timeoutMs: 150_000,
      intervalMs: 1_000,
    });
  }

  const after = await furtherRequests();
  expect(after.failed).toBe(0);
  expect(after.answered).toBeGreaterThan(before.answered + 30);
  const { code, stdout } = await mesh.linkerd(["check", "--proxy"]);
  expect(stdout).not.toMatch(/^[×‼]/m);
  expect(code).toBe(0);
});

test("trust anchors are rotated under traffic - old, both, new - and no pod is restarted", async () => {
  const before = await requests();
  const pods = await listPods();
  const [make = "", both = "", issuer = "", fresh = "", check = ""] =
    await readScripts("Trust anchors", PAGE);
  await type(make);

  const early = await terminal.type(
    `cd ${folder}; linkerd upgrade --identity-trust-anchors-file ca-2.crt \
      --identity-issuer-certificate-file issuer-3.crt --identity-issuer-key-file issuer-3.key 2>&1 || true`,
  );
  expect(early).toContain("does not validate against the trust anchors of");
  for (const step of [both, issuer, fresh]) {
    const hurrying = setInterval(() => void hurry(), 2_000);
    try {
      await type(step);
    } finally {
      clearInterval(hurrying);
    }
  }
  // Only what its own proxy was told last makes the injector's and everybody's peers strangers to the old.
  const anchors = await Bun.file(`${folder}/ca-2.crt`).text();
  for (const name of ["web", "caller"]) {
    await waitFor(async () => {
      await hurry();
      return (await trustOf(name)).anchors.trim() === anchors.trim()
        ? true
        : null;
    }, { what: () => `the new anchor alone in ${name}`, timeoutMs: 150_000 });
  }

  const after = await furtherRequests();
  expect(after.failed).toBe(0);
  expect(after.answered).toBeGreaterThan(before.answered + 30);
  expect(await listPods()).toEqual(pods);
  expect(await type(check)).not.toMatch(/^[×‼]/m);
  expect((await shownBy("web")).issuer).toBe("issuer-3.linkerd.cluster.local");
});

/** Asks again and again, each time on a new connection to its proxy, and tells each end. */
const CALL =
  `until timeout 5 wget -q -O /dev/null http://web; do sleep 0.1; done
while true; do
  if timeout 10 wget -q -O /dev/null http://web; then echo answered; else echo failed; fi
  sleep 0.05
done`;

/** Types a script in the folder of the credentials. */
function type(script: string): Promise<string> {
  return terminal.type(`cd ${folder}\n${script}`);
}

/** Some more, by the newest certificates alone. */
async function furtherRequests(): Promise<
  Awaited<ReturnType<typeof requests>>
> {
  const { answered } = await requests();
  return await waitFor(async () => {
    const found = await requests();
    return found.answered > answered + 20 ? found : null;
  }, { what: () => "further requests", timeoutMs: 60_000 });
}

/** Every pod of mesh and workloads, with how often each of its containers was started. */
async function listPods(): Promise<unknown> {
  const { items } = JSON.parse(
    await kubectl(node, ["get", "pods", "-A", "-o", "json"]),
  ) as {
    readonly items: readonly {
      readonly metadata: { readonly uid: string; readonly namespace: string };
      readonly status: Readonly<
        Record<string, readonly { readonly restartCount: number }[]>
      >;
    }[];
  };
  return items.filter(({ metadata }) =>
    ["linkerd", NAMESPACE].includes(metadata.namespace)
  ).map(({ metadata, status }) => ({
    uid: metadata.uid,
    starts: ["initContainerStatuses", "containerStatuses"].flatMap((list) =>
      (status[list] ?? []).map(({ restartCount }) => restartCount)
    ),
  }));
}

/** What the proxy of a Deployment says of its trust. */
async function trustOf(name: string): Promise<{ readonly anchors: string }> {
  await using forward = await openForward(
    node,
    NAMESPACE,
    `deployment/${name}`,
    4191,
  );
  const page = await fetch(`http://127.0.0.1:${forward.port}/trust.json`);
  return await page.json() as { readonly anchors: string };
}

/** How often the caller was answered so far, and how often not. */
async function requests(): Promise<{ answered: number; failed: number }> {
  const log = await run("logs", "deployment/caller", "-c", "app");
  const count = (word: string) =>
    log.split("\n").filter((line) => line === word).length;
  return { answered: count("answered"), failed: count("failed") };
}

/** Serial number and issuer of the certificate that a Deployment's proxy shows. */
async function shownBy(
  name: string,
): Promise<{ readonly serial: string; readonly issuer: string }> {
  const { stdout, stderr } = await mesh.linkerd([
    ...["identity", "-n", NAMESPACE, "-l", `app=${name}`],
  ]);
  const [, serial] = /Serial Number:\s*(\S+)/.exec(stdout) ?? [];
  const [, issuer] = /Issuer: CN ?= ?(.+)/.exec(stdout) ?? [];
  if (serial === undefined || issuer === undefined) {
    throw new Error(`no certificate of ${name}: ${stdout}${stderr}`);
  }
  return { serial, issuer };
}

/** A kubelet looks after what a pod mounts when the pod changes, else every minute or so. */
async function hurry(): Promise<void> {
  await kubectl(node, [
    ...["annotate", "pod", "-n", "linkerd", "--overwrite"],
    ...["-l", "linkerd.io/control-plane-component=identity"],
    `test/hurry=${hurries++}`,
  ]);
}

function makeIssuer(name: string): Promise<Pair> {
  const now = Date.now();
  return createCa({
    name,
    parent: anchor,
    notBeforeMs: now - HOUR_MS / 2,
    notAfterMs: now + YEAR_MS / 2,
  });
}

/** Asks the identity service, past its proxy, for a certificate of a name, with a signing request of it or of another. */
async function certify(
  token: string,
  identity: string,
  requested = identity,
): Promise<X509Certificate> {
  await using forward = await openForward(
    node,
    "linkerd",
    "deployment/linkerd-identity",
    8080,
  );
  const baseUrl = `http://127.0.0.1:${forward.port}`;
  const client = createClient(Identity, createGrpcTransport({ baseUrl }));
  const { leafCertificate } = await client.certify({
    identity,
    token: new TextEncoder().encode(token),
    certificateSigningRequest: await createRequest(requested),
  });
  return new X509Certificate(new Uint8Array(leafCertificate));
}

async function refusal(
  token: string,
  identity: string,
  requested = identity,
): Promise<{ readonly code: Code; readonly message: string }> {
  const error = await certify(token, identity, requested).catch((e) => e);
  if (!(error instanceof ConnectError)) throw error;
  return { code: error.code, message: error.rawMessage };
}

function run(...args: readonly string[]): Promise<string> {
  return kubectl(node, [...args, "-n", NAMESPACE]);
}

function apply(...items: readonly unknown[]): Promise<string> {
  return kubectl(node, ["apply", "-f", "-"], toList(items));
}
