import { generateKeyPair } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { formatKubeconfig } from "./kubeconfig.ts";
import type { Layout } from "./layout.ts";
import { createAuthority, type Name } from "./pki.ts";

/** What the API server is called by: here, and in a cluster with Kubernetes' usual names and first service address. */
const SERVER_NAMES: readonly Name[] = [
  { type: "ip", value: "127.0.0.1" },
  { type: "ip", value: "10.96.0.1" },
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
  /** The kubeconfig of the controller manager. */
  readonly controllers: string;
}

/** Makes all keys and certificates of a cluster, and the kubeconfigs that hold some. */
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
  const authority = await createAuthority(now);
  const kubeconfig = async (user: string, group: string) =>
    formatKubeconfig({
      server,
      authority: authority.pem,
      user,
      credential: await authority.client(user, group),
    });
  const serving = await authority.server("kube-apiserver", SERVER_NAMES);
  const tokens = await createTokenKeys();
  // The group of the user that may do everything, whatever RBAC says.
  await writeFile(
    layout.kubeconfig,
    await kubeconfig("admin", "system:masters"),
    { mode: 0o600 },
  );
  return {
    authority: await write("ca.crt", authority.pem),
    server: {
      certificate: await write("server.crt", serving.certificate),
      key: await write("server.key", serving.key),
    },
    tokens: {
      publicKey: await write("tokens.pub", tokens.publicKey),
      privateKey: await write("tokens.key", tokens.privateKey),
    },
    controllers: await write(
      "kube-controller-manager.kubeconfig",
      // Its roles are bound to this name; the group is for no more than to have one.
      await kubeconfig("system:kube-controller-manager", "linkerd-ts"),
    ),
  };
}

function createTokenKeys(): Promise<{ publicKey: string; privateKey: string }> {
  return promisify(generateKeyPair)("rsa", {
    modulusLength: TOKEN_KEY_BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
