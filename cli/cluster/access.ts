import { delimiter, join } from "node:path";
import { readFile } from "node:fs/promises";
import { Problem } from "../../schemas/problem.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import {
  dataOf,
  type Entry,
  isMissing,
  type Kubeconfig,
  readKubeconfigs,
  textOf,
} from "./kubeconfig.ts";

/** Where an API server is and who we say we are there. */
export interface Access {
  /** Where this was read, for messages. */
  readonly from: string;
  readonly server: URL;
  readonly namespace: string;
  /** PEM; the system's own roots without it. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
  /** The name that the server's certificate must have, if not the URL's. */
  readonly serverName: string | undefined;
  readonly proxy: string | undefined;
  /** The user's name in the kubeconfig, for messages. */
  readonly userName: string;
  readonly user: Entry;
  /** The cluster's fields as credential plugins may ask to see them. */
  readonly cluster: Entry;
}

/** The API server's URL as people write it. */
export function urlOf({ server }: Pick<Access, "server">): string {
  return server.href.replace(/\/$/, "");
}

/** What Kubernetes mounts into every Pod. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Finds the cluster as kubectl does: `--kubeconfig`, `$KUBECONFIG`, `~/.kube/config`, the Pod's own. Throws `config.invalid`. */
export async function findAccess(given: Given, world: World): Promise<Access> {
  const explicit = given.text("kubeconfig");
  const paths = kubeconfigPaths(explicit, world);
  const config = await readKubeconfigs(paths);
  if (config.files.length === 0) {
    const own = explicit === undefined ? await inCluster(world) : undefined;
    if (own !== undefined) return own;
    throw nothingFound(explicit, paths);
  }
  return await readContext(config, given.text("context"));
}

function kubeconfigPaths(
  explicit: string | undefined,
  { env }: World,
): string[] {
  if (explicit !== undefined) return [explicit];
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter(Boolean);
  if (listed.length > 0) return listed;
  return env["HOME"] ? [join(env["HOME"], ".kube", "config")] : [];
}

async function readContext(
  config: Kubeconfig,
  asked: string | undefined,
): Promise<Access> {
  const from = config.files.join(delimiter);
  const name = asked ?? config.currentContext;
  if (name === undefined) {
    throw refuse(
      `Cannot tell which cluster is meant: ${from} has no current context`,
      contexts(config),
    );
  }
  const context = config.contexts.get(name)?.fields;
  if (context === undefined) {
    throw refuse(`context "${name}" does not exist`, contexts(config));
  }
  const clusterName = textOf(context, "cluster") ?? "";
  const cluster = config.clusters.get(clusterName);
  if (cluster === undefined) {
    throw refuse(
      `Cannot use context "${name}" of ${from}: cluster "${clusterName}" does not exist`,
    );
  }
  const userName = textOf(context, "user") ?? "";
  const user = config.users.get(userName);
  if (user === undefined && userName !== "") {
    throw refuse(
      `Cannot use context "${name}" of ${from}: user "${userName}" does not exist`,
    );
  }
  return {
    from,
    server: readServer(cluster, clusterName),
    namespace: textOf(context, "namespace") ?? "default",
    ca: await dataOf(cluster, "certificate-authority"),
    insecure: cluster.fields["insecure-skip-tls-verify"] === true,
    serverName: textOf(cluster.fields, "tls-server-name"),
    proxy: textOf(cluster.fields, "proxy-url"),
    userName,
    user: user ?? { fields: {}, folder: "" },
    cluster,
  };
}

/** A server without a scheme is one that speaks plainly, as in kubectl. */
function readServer({ fields }: Entry, name: string): URL {
  const text = textOf(fields, "server") ?? "";
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw refuse(
    `Cannot use server "${text}" of cluster "${name}": expected a URL such as https://10.0.0.1:6443`,
  );
}

async function inCluster({ env }: World): Promise<Access | undefined> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) return undefined;
  const read = async (name: string) => {
    try {
      return await readFile(join(SERVICE_ACCOUNT, name), "utf8");
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw cause;
    }
  };
  if (await read("token") === undefined) return undefined;
  const fields = { tokenFile: join(SERVICE_ACCOUNT, "token") };
  return {
    from: "the Pod's service account",
    server: new URL(
      `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    ),
    namespace: (await read("namespace"))?.trim() || "default",
    ca: await read("ca.crt"),
    insecure: false,
    serverName: undefined,
    proxy: undefined,
    userName: "the Pod's service account",
    user: { fields, folder: SERVICE_ACCOUNT },
    cluster: { fields: {}, folder: SERVICE_ACCOUNT },
  };
}

function nothingFound(
  explicit: string | undefined,
  paths: readonly string[],
): Problem {
  const looked = paths.join(", ") || "~ (there is no $HOME)";
  return explicit === undefined
    ? refuse(
      `Cannot find a cluster: there is no kubeconfig at ${looked}, and this is not a Pod`,
      "Name one with --kubeconfig FILE or $KUBECONFIG.",
    )
    : refuse(`Cannot read kubeconfig ${looked}: there is no such file`);
}

function contexts({ contexts }: Kubeconfig): string {
  return contexts.size === 0
    ? "It has no contexts at all."
    : `Choose one with --context: ${[...contexts.keys()].join(", ")}`;
}

function refuse(message: string, hint?: string): Problem {
  return new Problem(
    "config.invalid",
    message,
    hint === undefined ? {} : { hint },
  );
}
