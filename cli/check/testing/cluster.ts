import type { ApiRequest, Cluster } from "../../cluster.ts";
import { ApiError } from "../../cluster.ts";
import type { KubeItem } from "../objects.ts";

/** An object as a manifest has it. */
export interface FakeObject extends KubeItem {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** A cluster in memory that is read like a real one; `answer` may answer a request instead of it. */
export function fakeCluster(
  objects: readonly FakeObject[],
  answer: (request: ApiRequest) => unknown = () => undefined,
): Cluster {
  return {
    server: "https://fake:6443",
    namespace: "default",
    call: (request) =>
      Promise.resolve().then(() => answer(request) ?? read(request, objects)),
    open: () => Promise.reject(new Error("not in these tests")),
    forward: () => Promise.reject(new Error("not in these tests")),
  };
}

const PATH =
  /^\/(?:api\/v1|apis\/[^/]+\/v1[a-z0-9]*)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?$/;

function read(
  { path, query = {} }: ApiRequest,
  objects: readonly FakeObject[],
): unknown {
  if (path === "/version") return { gitVersion: "v1.34.1+test" };
  const [, namespace, plural, name] = PATH.exec(path) ?? [];
  const items = objects.filter(({ kind, metadata }) =>
    pluralOf(kind) === plural &&
    (namespace === undefined || metadata.namespace === namespace) &&
    (query["labelSelector"] ?? "").split(",").every((term) =>
      matches(term, metadata.labels ?? {})
    )
  );
  if (name === undefined) return { items };
  const found = items.find(({ metadata }) => metadata.name === name);
  if (found !== undefined) return found;
  throw new ApiError(404, "NotFound", `${plural} "${name}" not found`);
}

function pluralOf(kind: string): string {
  return `${kind.toLowerCase().replace(/y$/, "ie")}s`;
}

function matches(
  term: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (term === "") return true;
  if (term.startsWith("!")) return !(term.slice(1) in labels);
  const [key = "", value] = term.split("=");
  return value === undefined ? key in labels : labels[key] === value;
}
