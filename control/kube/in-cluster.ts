import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, Problem } from "../../schemas/problem.ts";

/** How a pod reaches its API server; the texts are read at each use, for the kubelet replaces them. */
export interface ApiServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: () => Promise<string>;
  /** PEM of who signed the server's certificate. */
  readonly ca: () => Promise<string>;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The API server of the cluster this pod runs in; throws `config.invalid` outside of one. */
export function findApiServer(
  env: Readonly<Record<string, string | undefined>>,
  directory = SERVICE_ACCOUNT,
): ApiServer {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) {
    throw new Problem(
      "config.invalid",
      "Cannot find the API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
      { hint: "outside of a cluster use --source files" },
    );
  }
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    token: async () => (await readText(join(directory, "token"))).trim(),
    ca: () => readText(join(directory, "ca.crt")),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Problem(
      "system.failed",
      `Cannot read the pod's service account: ${describe(cause)}`,
      { cause, hint: "set automountServiceAccountToken on the pod" },
    );
  }
}
