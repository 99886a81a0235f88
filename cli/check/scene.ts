import { Problem } from "../../schemas/problem.ts";
import type { ApiRequest, Cluster } from "../cluster.ts";
import { getOrUndefined, listAll } from "../cluster/list.ts";
import { type InstalledConfig, parseConfig } from "./config.ts";
import type { KubeItem } from "./objects.ts";
import { CONFIG_MAPS, type Resource } from "./resources.ts";

/** What a run was asked for. */
export interface Settings {
  /** The control plane's namespace. */
  readonly namespace: string;
  readonly cniNamespace: string;
  /** Where to look for meshed pods; everywhere when undefined. */
  readonly dataPlaneNamespace: string | undefined;
  /** The version of this command, or what `--cli-version-override` calls it. */
  readonly cliVersion: string;
  readonly expectedVersion: string | undefined;
  /** Whether a CNI plugin is to be there; undefined: as the values of the install say. */
  readonly cniEnabled: boolean | undefined;
}

/** What one attempt of a check may look at: the cluster, the settings and the clock. */
export interface Scene {
  readonly settings: Settings;
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
  /** The cluster itself; throws when the kubeconfig leads to none. */
  readonly open: () => Promise<Cluster>;
  readonly call: (request: ApiRequest) => Promise<unknown>;
  /** One object; undefined when there is none. */
  readonly get: <T>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
  ) => Promise<T | undefined>;
  /** All objects of a kind, of a namespace or of all. */
  readonly list: <T>(
    resource: Resource<T>,
    where?: Where,
  ) => Promise<readonly T[]>;
  /** The values of the installed control plane; throws when there is none. */
  readonly config: () => Promise<InstalledConfig>;
}

export interface Where {
  readonly namespace?: string | undefined;
  /** As `kubectl -l` takes it. */
  readonly labels?: string;
}

/** What has been read, by request: checks share it until one of them is tried again. */
export type Memory = Map<string, Promise<unknown>>;

/** A scene of one attempt, which `signal` ends. `open` is asked at the first call, so that a check can tell why it fails. */
export function createScene(
  { settings, nowMs, open, memory, signal }: {
    readonly settings: Settings;
    readonly nowMs: number;
    readonly open: () => Promise<Cluster>;
    readonly memory: Memory;
    readonly signal: AbortSignal;
  },
): Scene {
  const call = async (request: ApiRequest) =>
    await (await open()).call({ ...request, signal });
  const remember = <T>(key: string, read: () => Promise<T>): Promise<T> => {
    const known = memory.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const reading = read();
    memory.set(key, reading);
    reading.catch(() => memory.delete(key)); // a failure is not knowledge
    return reading;
  };
  const get = <T>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> => {
    const path = `${pathOf(resource, namespace)}/${name}`;
    return remember(
      path,
      async () => await getOrUndefined(await open(), path, signal) as T,
    );
  };
  return {
    settings,
    nowMs,
    open,
    call,
    get,
    list: <T>(
      resource: Resource<T>,
      { namespace, labels = "" }: Where = {},
    ) => {
      const path = pathOf(resource, namespace);
      const query: Record<string, string> = labels === ""
        ? {}
        : { labelSelector: labels };
      return remember(
        `${path}?${labels}`,
        async () =>
          await listAll(
            keeping(await open(), resource),
            path,
            query,
            signal,
          ) as readonly unknown[] as readonly T[],
      );
    },
    config: async () => {
      const { namespace } = settings;
      const map = await get(CONFIG_MAPS, CONFIG, namespace);
      if (map === undefined) {
        throw new Problem(
          "config.invalid",
          `configmaps "${CONFIG}" not found in namespace "${namespace}"`,
          {
            hint:
              "install with: linkerd install | kubectl apply -f -\nor say where it is, with: --linkerd-namespace NAMESPACE",
          },
        );
      }
      return parseConfig(map.data?.["values"] ?? "");
    },
  };
}

const CONFIG = "linkerd-config";

/** The same cluster, of whose lists only so much is kept as checks read, page by page. */
function keeping<T>(cluster: Cluster, { keep }: Resource<T>): Cluster {
  if (keep === undefined) return cluster;
  return {
    ...cluster,
    call: async (request) => {
      const page = await cluster.call(request) as { items: readonly T[] };
      return { ...page, items: page.items.map(keep) };
    },
  };
}

function pathOf(
  { prefix, plural }: Pick<Resource<unknown>, "prefix" | "plural">,
  namespace?: string,
): string {
  const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${prefix}${within}/${plural}`;
}

/** How an object is called in messages: with its namespace when there may be several. */
export function titleOf({ metadata }: KubeItem): string {
  const { namespace, name } = metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}
