import { generateKeyPair } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { formatKubeconfig } from "./kubeconfig.ts";
import type { Layout } from "./layout.ts";
import { KUBERNETES_IP } from "./node/addresses.ts";
import { NODE_NAME } from "./node/kubelet.ts";
import { createAuthority, type Credential, type Name } from "./pki.ts";

/** What the API server is called by, besides its address: here, and by pods. */
const SERVER_NAMES: readonly Name[] = [
  { type: "ip", value: KUBERNETES_IP },
  { type: "dns", value: "localhost" },
  { type: "dns", value: "kubernetes" },
  { type: "dns", value: "kubernetes.default" },
  { type: "dns", value: "kubernetes.default.svc" },
  { type: "dns", value: "kubernetes.default.svc.cluster.local" },
];
/** As kubeadm makes the key that signs service account tokens. */
const TOKEN_KEY_BITS = 2048;

/** Paths of what the programs read. */
export interface Credentials {
  /** Of the authority that signs servers and users alike. */
  readonly authority: string;
  readonly server: { readonly certificate: string; readonly key: string };
  /** Signs and verifies tokens of service accounts. */
  readonly tokens: { readonly publicKey: string; readonly privateKey: string };
  /** What the API server shows to those that it passes requests on to; its authority signs nothing else. */
  readonly frontProxy: {
    readonly authority: string;
    readonly certificate: string;
    readonly key: string;
  };
  /** What the API server shows to the kubelet. */
  readonly toKubelet: { readonly certificate: string; readonly key: string };
  readonly kubelet: {
    readonly certificate: string;
    readonly key: string;
    readonly kubeconfig: string;
  };
  /** The kubeconfigs of the controller manager, the scheduler and kube-proxy. */
  readonly controllers: string;
  readonly scheduler: string;
  readonly proxy: string;
}

/** May do everything, whatever RBAC says. */
const ADMINISTRATORS = "system:masters";
/** Of those whose roles are bound to their names: a certificate must name some. */
const NO_GROUP = "linkerd-ts";

/** Makes all keys and certificates of a cluster with the API server's URL `server`, and the kubeconfigs that hold some. */
export async function writeCredentials(
  layout: Layout,
  server: string,
  now: number,
): Promise<Credentials> {
  await mkdir(layout.pki, { recursive: true, mode: 0o700 });
  const write = async (name: string, text: string) => {
    const path = `${layout.pki}/${name}`;
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const writePair = async (name: string, pair: Credential) => ({
    certificate: await write(`${name}.crt`, pair.certificate),
    key: await write(`${name}.key`, pair.key),
  });
  const authority = await createAuthority(now);
  const frontProxy = await createAuthority(now, "front-proxy-ca");
  const here: Name = { type: "ip", value: new URL(server).hostname };
  const kubeconfig = async (user: string, group: string) =>
    formatKubeconfig({
      server,
      authority: authority.pem,
      user,
      credential: await authority.client(user, group),
    });
  const writeKubeconfig = async (user: string, group = NO_GROUP) =>
    await write(`${user}.kubeconfig`, await kubeconfig(user, group));
  const node = `system:node:${NODE_NAME}`;
  const tokens = await createTokenKeys();
  await writeFile(
    layout.kubeconfig,
    await kubeconfig("admin", ADMINISTRATORS),
    { mode: 0o600 },
  );
  return {
    authority: await write("ca.crt", authority.pem),
    server: await writePair(
      "server",
      await authority.server("kube-apiserver", [here, ...SERVER_NAMES]),
    ),
    tokens: {
      publicKey: await write("tokens.pub", tokens.publicKey),
      privateKey: await write("tokens.key", tokens.privateKey),
    },
    frontProxy: {
      authority: await write("front-proxy-ca.crt", frontProxy.pem),
      ...await writePair(
        "front-proxy-client",
        await frontProxy.client("front-proxy-client", NO_GROUP),
      ),
    },
    toKubelet: await writePair(
      "to-kubelet",
      await authority.client("kube-apiserver", ADMINISTRATORS),
    ),
    kubelet: {
      ...await writePair("kubelet", await authority.server(node, [here])),
      kubeconfig: await writeKubeconfig(node, "system:nodes"),
    },
    controllers: await writeKubeconfig("system:kube-controller-manager"),
    scheduler: await writeKubeconfig("system:kube-scheduler"),
    proxy: await writeKubeconfig("system:kube-proxy"),
  };
}

function createTokenKeys(): Promise<{ publicKey: string; privateKey: string }> {
  return promisify(generateKeyPair)("rsa", {
    modulusLength: TOKEN_KEY_BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
