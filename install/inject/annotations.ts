import { Problem } from "../../schemas/problem.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import { type Annotation, CONFIG, type Draft } from "./annotation.ts";
import type { Form } from "./forms.ts";
import { SETTINGS } from "./settings.ts";
import type { Pod, Texts } from "./workload.ts";

/** What one pod's proxy is to be: the install's values after the pod's own annotations. */
export interface Settings {
  readonly values: InjectionValues;
  /** Whether a container with network tools stands beside the proxy. */
  readonly debug: boolean;
}

/** Annotations that begin so add an attribute to the traces of a pod's proxy, by the rest of their names. */
const TRACE_ATTRIBUTE = "resource.opentelemetry.io/";
/** Attributes are handed over one on a line. */
const ONE_LINE: Form<string> = {
  allowed: "text on one line",
  parse: (text) => /[\r\n]/.test(text) ? undefined : text,
};

/** Every annotation that is understood, with what it takes; for help and the table of compatibility. */
export const PROXY_ANNOTATIONS: readonly {
  readonly key: string;
  readonly inherited: boolean;
  readonly allowed: string;
}[] = [
  ...SETTINGS,
  {
    key: `${TRACE_ATTRIBUTE}<name>`,
    inherited: false,
    allowed: ONE_LINE.allowed,
  },
];

/** Throws `config.invalid` with every annotation that is wrong: its name, its value and what is allowed. */
export function checkAnnotations(
  { annotations }: Pick<Pod, "annotations">,
  namespaceAnnotations: Texts = {},
): void {
  const mistakes: string[] = [];
  const check = (key: string, text: string | undefined, form: Allowing) => {
    // The types say text; a manifest may hold anything.
    if (typeof text !== "string" || form.accepts(text.trim())) return;
    mistakes.push(
      `annotation ${key} is ${JSON.stringify(text)}, expected ${form.allowed}`,
    );
  };
  for (const setting of SETTINGS) {
    for (const text of textsOf(setting, annotations, namespaceAnnotations)) {
      check(setting.key, text, setting);
    }
  }
  for (const [key, text] of Object.entries(annotations)) {
    if (key.startsWith(TRACE_ATTRIBUTE)) check(key, text, TRACE_FORM);
  }
  if (mistakes.length > 0) {
    throw new Problem("config.invalid", mistakes.join("; "));
  }
}

/**
 * The install's values as a pod's annotations change them. Throws `config.invalid` with every annotation that is
 * wrong: its name, its value and what is allowed.
 */
export function applyAnnotations(
  values: InjectionValues,
  pod: Pod,
  namespaceAnnotations: Texts = {},
): Settings {
  checkAnnotations(pod, namespaceAnnotations);
  const draft: Draft = {
    values: copy(values) as Draft["values"],
    debug: false,
    pod,
  };
  for (const setting of SETTINGS) {
    const texts = textsOf(setting, pod.annotations, namespaceAnnotations);
    for (const text of texts) {
      if (typeof text === "string") setting.apply(draft, text.trim());
    }
  }
  Object.assign(draft.values.proxy.tracing.labels, traceAttributes(pod));
  return { values: draft.values, debug: draft.debug };
}

/** What an annotation's value may be. */
type Allowing = Pick<Annotation, "allowed" | "accepts">;

const TRACE_FORM: Allowing = {
  allowed: ONE_LINE.allowed,
  accepts: (text) => ONE_LINE.parse(text) !== undefined,
};

/** The values of one annotation, in the order they take effect. */
function textsOf(
  { key, inherited }: Annotation,
  own: Texts,
  around: Texts,
): (string | undefined)[] {
  const outer = inherited ? around[key] : undefined;
  return key === ADDITIONAL_ENV ? [outer, own[key]] : [own[key] ?? outer];
}

/** What a pod says of itself in traces; its service is named as charts name theirs. */
function traceAttributes({ labels, annotations }: Pod): Texts {
  const service = labels["app.kubernetes.io/instance"] ??
    labels["app.kubernetes.io/name"];
  return {
    ...(service === undefined ? {} : { "service.name": service }),
    ...Object.fromEntries(
      Object.entries(annotations)
        .filter(([key]) => key.startsWith(TRACE_ATTRIBUTE))
        .map(([key, text]) => [key.slice(TRACE_ATTRIBUTE.length), text]),
    ),
  };
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
