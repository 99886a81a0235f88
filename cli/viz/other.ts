import { Problem } from "../../schemas/problem.ts";
import type { Given } from "../flags.ts";
import type { Question } from "./ask.ts";
import { parseResource, type Resource } from "./resource.ts";

/** The other end of requests: who is asked by the resources, or who asks them. */
export interface Other {
  readonly direction: "to" | "from";
  readonly resource: Resource;
  readonly namespace: string | undefined;
}

/** The other end of `--to` or `--from`; throws `config.invalid`. */
export function readOther(
  given: Given,
  resources: readonly Resource[],
): Other | null {
  for (const suffix of ["", "-namespace"]) {
    if (given.text(`to${suffix}`) && given.text(`from${suffix}`)) {
      throw new Problem(
        "config.invalid",
        `--to${suffix} and --from${suffix} flags are mutually exclusive`,
      );
    }
  }
  for (const direction of ["to", "from"] as const) {
    const word = given.text(direction) || undefined;
    const namespace = given.text(`${direction}-namespace`) || undefined;
    if (
      namespace !== undefined &&
      resources.some(({ kind }) => kind === "namespace")
    ) {
      throw new Problem(
        "config.invalid",
        `--${direction}-namespace flag is incompatible with namespace resource type`,
      );
    }
    if (word === undefined && namespace === undefined) continue;
    const resource = word === undefined
      ? { kind: "namespace", name: namespace }
      : parseResource(word);
    if (resource.kind === "all") {
      throw new Problem(
        "config.invalid",
        "resource type 'all' is not supported as a filter",
      );
    }
    return { direction, resource, namespace };
  }
  return null;
}

/** The same, for the metrics component; without a namespace of its own it is in that of the resources. */
export function otherQuery(
  other: Other | null,
  namespace: string | undefined,
): Question["query"] {
  if (other === null) return {};
  const { direction, resource } = other;
  return {
    [`${direction}_kind`]: resource.kind,
    [`${direction}_name`]: resource.name,
    [`${direction}_namespace`]: resource.kind === "namespace"
      ? undefined
      : other.namespace ?? namespace,
  };
}
