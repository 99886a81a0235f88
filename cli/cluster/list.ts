import { isMap } from "../../schemas/values/merge.ts";
import { ApiError, type Cluster } from "../cluster.ts";

/** An object of the API: what every kind has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Objects per page, as kubectl asks. */
const PAGE = 500;

/** All objects of a list, page after page. Throws as `Cluster.call` does. */
export async function listAll<T extends KubeObject = KubeObject>(
  cluster: Cluster,
  path: string,
  query: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<T[]> {
  const items: T[] = [];
  let next = "";
  do {
    const list = await cluster.call({
      path,
      query: {
        ...query,
        limit: String(PAGE),
        ...(next === "" ? {} : { continue: next }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    if (!isMap(list) || !Array.isArray(list["items"])) {
      throw new ApiError(200, "Unknown", `${path} is not a list`);
    }
    items.push(...list["items"]);
    const { metadata } = list;
    next = isMap(metadata) ? String(metadata["continue"] ?? "") : "";
  } while (next !== "");
  return items;
}

/** One object, or nothing when there is none of that name (or kind). */
export async function getOrUndefined<T extends KubeObject = KubeObject>(
  cluster: Cluster,
  path: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    return await cluster.call({
      path,
      ...(signal === undefined ? {} : { signal }),
    }) as T;
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 404) return undefined;
    throw thrown;
  }
}
