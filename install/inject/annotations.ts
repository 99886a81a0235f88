import { Problem } from "../../schemas/problem.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import { CONFIG, type Draft, SETTINGS } from "./settings.ts";
import type { Pod, Texts } from "./workload.ts";

/** What one pod's proxy is to be: the install's values after the pod's own annotations. */
export interface Settings {
  readonly values: InjectionValues;
  /** Whether a container with network tools stands beside the proxy. */
  readonly debug: boolean;
}

/** Every annotation that is understood, with what it takes; for help and the table of compatibility. */
export const PROXY_ANNOTATIONS: readonly {
  readonly key: string;
  readonly inherited: boolean;
  readonly allowed: string;
}[] = SETTINGS;

/**
 * The install's values as a pod's annotations change them. Throws `config.invalid` with every annotation that is
 * wrong: its name, its value and what is allowed.
 */
export function applyAnnotations(
  values: InjectionValues,
  pod: Pod,
  namespaceAnnotations: Texts = {},
): Settings {
  const draft: Draft = {
    values: copy(values) as Draft["values"],
    debug: false,
    pod,
  };
  const mistakes: string[] = [];
  for (const { key, inherited, allowed, apply } of SETTINGS) {
    const around = inherited ? namespaceAnnotations[key] : undefined;
    const merged = key === ADDITIONAL_ENV ? [around, pod.annotations[key]] : [
      pod.annotations[key] ?? around,
    ];
    for (const text of merged) {
      if (typeof text === "string" && !apply(draft, text.trim())) {
        mistakes.push(
          `annotation ${key} is ${JSON.stringify(text)}, expected ${allowed}`,
        );
      }
    }
  }
  if (mistakes.length > 0) {
    throw new Problem("config.invalid", mistakes.join("; "));
  }
  return { values: draft.values, debug: draft.debug };
}

/** What one annotation alone makes of an install's values, or what it should have been. */
export function configuredBy(
  key: string,
  text: string,
  values: InjectionValues,
):
  | { readonly kind: "read"; readonly settings: Settings }
  | { readonly kind: "wrong"; readonly allowed: string } {
  const setting = SETTINGS.find((one) => one.key === key);
  const draft: Draft = {
    values: copy(values) as Draft["values"],
    debug: false,
    pod: BARE,
  };
  if (setting === undefined || !setting.apply(draft, text.trim())) {
    return { kind: "wrong", allowed: setting?.allowed ?? "a known annotation" };
  }
  return {
    kind: "read",
    settings: { values: draft.values, debug: draft.debug },
  };
}

/** A deep copy of plain values; `structuredClone` takes six times as long, for every pod. */
function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, copy(inner)]),
  );
}

/** A pod whose ports have no names. */
const BARE: Pod = {
  labels: {},
  annotations: {},
  metadata: null,
  spec: {},
  containers: [],
  initContainers: [],
};

/** Lists of this annotation add up, entry by entry; of all others the pod's own value counts. */
const ADDITIONAL_ENV = `${CONFIG}proxy-additional-env`;

/** The namespace's annotations that a pod takes over because it does not have them. */
export function inheritedAnnotations(
  namespaceAnnotations: Texts,
  podAnnotations: Texts,
): Texts {
  const taken: Record<string, string> = {};
  for (const { key, inherited } of SETTINGS) {
    const value = namespaceAnnotations[key];
    if (inherited && value !== undefined && podAnnotations[key] === undefined) {
      taken[key] = value;
    }
  }
  return taken;
}
