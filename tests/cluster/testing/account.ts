import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { ApiServer } from "../../../control/kube/in-cluster.ts";
import { type Access, kubectl } from "../kubectl.ts";

/** The API server as a pod of the service account reaches it: with a token of its own, and no more rights. */
export async function asServiceAccount(
  access: Access,
  namespace: string,
  name: string,
): Promise<ApiServer> {
  const token = await kubectl(access, [
    "create",
    "token",
    name,
    "-n",
    namespace,
  ]);
  const { clusters } = parse(await readFile(access.kubeconfig, "utf8"));
  const ca = Buffer.from(
    clusters[0].cluster["certificate-authority-data"],
    "base64",
  ).toString();
  return {
    url: access.server,
    token: () => Promise.resolve(token.trim()),
    ca: () => Promise.resolve(ca),
  };
}
