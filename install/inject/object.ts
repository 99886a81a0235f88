import { ANNOTATIONS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import { checkAnnotations } from "./annotations.ts";
import { applyPatch } from "./apply.ts";
import {
  decide,
  hasSidecar,
  hasUdpPorts,
  isControlPlane,
  type Reason,
  REASON_TEXT,
} from "./decide.ts";
import { injectionPatch, metadataOperations } from "./patch.ts";
import { uninject } from "./uninject.ts";
import {
  type Fields,
  fieldsAt,
  readWorkload,
  type Texts,
  textsAt,
  type Workload,
} from "./workload.ts";

/** How `linkerd inject` was asked to go about it. */
export interface Options {
  readonly values: InjectionValues;
  /** The control plane's namespace. */
  readonly namespace: string;
  readonly createdBy: string;
  readonly trustRootSha256: string;
  /** Write containers and volumes here and now, instead of asking the cluster's injector to. */
  readonly manual: boolean;
  /** `linkerd.io/inject: ingress` instead of `enabled`. */
  readonly ingress: boolean;
  /** Configuration that flags asked for, as annotations. */
  readonly overrides: Texts;
}

/** What was found in an object and what was done with it. */
export interface Finding {
  /** Lower case; empty for a document without one. */
  readonly kind: string;
  readonly name: string;
  readonly done: "injected" | "annotated" | "skipped";
  readonly hostNetwork: boolean;
  readonly sidecar: boolean;
  readonly disabled: boolean;
  readonly udp: boolean;
  /** Whether objects of this kind can be injected or annotated at all. */
  readonly supported: boolean;
}

/**
 * Injects one object of any kind, after taking out an earlier injection. Throws `manifest.invalid` on fields that make
 * no sense, `config.invalid` on wrong annotations, `manifest.unsupported` where a proxy could not work.
 */
export function injectObject(
  object: Fields,
  options: Options,
): { readonly object: Fields; readonly finding: Finding } {
  const kind = typeof object["kind"] === "string" ? object["kind"] : "";
  const lower = kind.toLowerCase();
  if (lower === "namespace" || lower === "service") {
    return annotateObject(object, lower, options);
  }
  const bare = uninject(object, "injected").object;
  const workload = readWorkload(bare);
  if (workload === null) {
    return { object, finding: found(object, lower, "skipped", null) };
  }
  const { pod } = workload;
  const decision = decide({
    origin: "cli",
    pod,
    namespaceAnnotations: {},
    tokenProjection: options.values.identity.serviceAccountTokenProjection,
  });
  if (!decision.inject) {
    refuseUnlessDisabled(workload, decision.reasons);
    return { object, finding: found(object, lower, "skipped", workload) };
  }
  if (isControlPlane(pod) && !options.manual) {
    throw new Problem(
      "manifest.unsupported",
      "--manual must be set when injecting control plane components",
    );
  }
  const injected = options.manual
    ? injectManually(bare, workload, options)
    : annotateWorkload(bare, workload, options);
  return {
    object: injected,
    finding: found(object, lower, "injected", workload),
  };
}

/** What makes an object unfit is an error, unless its owner said to leave it alone. */
function refuseUnlessDisabled(
  { pod }: Workload,
  reasons: readonly Reason[],
): void {
  if (reasons.includes("injection_disable_annotation_present")) return;
  const texts = reasons.map((reason) => REASON_TEXT[reason]);
  if (hasUdpPorts(pod)) texts.push("UDP port(s) configured on pod spec");
  throw new Problem("manifest.unsupported", texts.join(", "));
}

function annotateWorkload(
  object: Fields,
  { pod, path }: Workload,
  options: Options,
): Fields {
  const annotations = {
    ...options.overrides,
    [ANNOTATIONS.inject]: injectWord(pod.annotations, options),
  };
  const described = {
    ...pod,
    annotations: { ...pod.annotations, ...annotations },
  };
  // The injector would refuse the pod; better said now than by a pod that never comes.
  checkAnnotations(described);
  return applyPatch(
    object,
    metadataOperations(pod, pointer(path), "annotations", annotations),
  );
}

function injectManually(
  object: Fields,
  workload: Workload,
  options: Options,
): Fields {
  const { pod, path, kind, name, namespace } = workload;
  const written = applyPatch(
    object,
    metadataOperations(pod, pointer(path), "annotations", {
      ...options.overrides,
      ...(options.ingress ? { [ANNOTATIONS.inject]: "ingress" } : {}),
    }),
  );
  const described = readWorkload(written)?.pod ?? pod;
  const { values, namespace: controlPlane, createdBy, trustRootSha256 } =
    options;
  const injection = {
    values,
    namespace: controlPlane,
    createdBy,
    trustRootSha256,
    namespaceAnnotations: {},
    workloadNamespace: namespace,
    owner: kind === "pod" ? undefined : { kind, name },
  };
  return applyPatch(
    written,
    injectionPatch(described, injection, pointer(path)),
  );
}

/** A Namespace is asked for all its pods; a Service only needs to know which of its ports are opaque. */
function annotateObject(
  object: Fields,
  kind: string,
  options: Options,
): { readonly object: Fields; readonly finding: Finding } {
  const metadata = fieldsAt(object, ["metadata"]);
  const annotations = textsAt(object, ["metadata", "annotations"]);
  const labels = textsAt(object, ["metadata", "labels"]);
  const opaque = options.overrides[ANNOTATIONS.opaquePorts];
  const wanted: Texts = kind === "namespace"
    ? {
      ...options.overrides,
      [ANNOTATIONS.inject]: injectWord(annotations, options),
    }
    : opaque === undefined
    ? {}
    : { [ANNOTATIONS.opaquePorts]: opaque };
  if (Object.keys(wanted).length === 0) {
    return { object, finding: found(object, kind, "skipped", null) };
  }
  const operations = metadataOperations(
    { metadata, annotations, labels },
    "",
    "annotations",
    wanted,
  );
  return {
    object: applyPatch(object, operations),
    finding: found(object, kind, "annotated", null),
  };
}

/** Ingress mode is kept where it was asked for before. */
function injectWord(annotations: Texts, { ingress }: Options): string {
  return ingress || annotations[ANNOTATIONS.inject] === "ingress"
    ? "ingress"
    : "enabled";
}

function found(
  object: Fields,
  kind: string,
  done: Finding["done"],
  workload: Workload | null,
): Finding {
  const pod = workload?.pod;
  return {
    kind,
    name: nameOf(object),
    done,
    hostNetwork: pod?.spec["hostNetwork"] === true,
    sidecar: pod !== undefined && hasSidecar(pod),
    disabled: pod?.annotations[ANNOTATIONS.inject] === "disabled",
    udp: pod !== undefined && hasUdpPorts(pod),
    supported: workload !== null || kind === "namespace" || kind === "service",
  };
}

/** An object's name, or the beginning of the name it will be given. */
export function nameOf(object: Fields): string {
  const metadata = fieldsAt(object, ["metadata"]);
  const name = metadata?.["name"] ?? metadata?.["generateName"];
  return typeof name === "string" ? name : "";
}

function pointer(path: readonly string[]): string {
  return path.map((step) => `/${step}`).join("");
}
