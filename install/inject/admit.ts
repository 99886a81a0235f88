import { ANNOTATIONS } from "../../schemas/names.ts";
import { decide, type Reason } from "./decide.ts";
import {
  type Injection,
  injectionPatch,
  metadataOperations,
  type Operation,
} from "./patch.ts";
import { defaultOpaquePorts, serviceOpaquePorts } from "./ports.ts";
import {
  type Fields,
  fieldsAt,
  readWorkload,
  type Texts,
  textsAt,
  type Workload,
} from "./workload.ts";

/** What the cluster is told about an object that is being created. */
export type Verdict =
  | {
    readonly done: "injected";
    readonly patch: readonly Operation[];
    readonly askedAt: "namespace" | "workload";
  }
  /** Left as it is, but for the ports that proxies elsewhere must not parse; the patch may be empty. */
  | {
    readonly done: "skipped";
    readonly patch: readonly Operation[];
    readonly reasons: readonly (Reason | "unsupported_resource")[];
  };

/**
 * What the injector does with an object: pods get a proxy when somebody asked for one; pods without and Services get
 * the default opaque ports (Linkerd 2.x, in every namespace, so that meshed clients know). Throws as `injectionPatch`.
 */
export function admit(object: Fields, injection: Injection): Verdict {
  const workload = readWorkload(object);
  if (workload === null) {
    const ports = serviceOpaquePorts(object, defaultsOf(injection));
    return {
      done: "skipped",
      patch: opaquePatch(object, ports, injection),
      reasons: ["unsupported_resource"],
    };
  }
  const { pod } = workload;
  const decision = decide({
    origin: "webhook",
    pod,
    namespaceAnnotations: injection.namespaceAnnotations,
    tokenProjection: injection.values.identity.serviceAccountTokenProjection,
  });
  if (!decision.inject) {
    const ports = defaultOpaquePorts(pod, defaultsOf(injection));
    return {
      done: "skipped",
      patch: opaquePatch(object, ports, injection),
      reasons: decision.reasons,
    };
  }
  return {
    done: "injected",
    patch: injectionPatch(pod, injection, prefixOf(workload)),
    askedAt: decision.askedAt ?? "workload",
  };
}

function defaultsOf({ values }: Injection): string {
  return values.proxy.opaquePorts;
}

function prefixOf({ path }: Workload): string {
  return path.map((step) => `/${step}`).join("");
}

/** The object's own annotation stands; else the namespace's; else those default ports that the object has. */
function opaquePatch(
  object: Fields,
  ports: string,
  { namespaceAnnotations }: Injection,
): readonly Operation[] {
  const key = ANNOTATIONS.opaquePorts;
  const annotations: Texts = textsAt(object, ["metadata", "annotations"]);
  if (annotations[key] !== undefined) return [];
  const value = namespaceAnnotations[key] ?? ports;
  if (value === "") return [];
  return metadataOperations(
    {
      metadata: fieldsAt(object, ["metadata"]),
      labels: textsAt(object, ["metadata", "labels"]),
      annotations,
    },
    "",
    "annotations",
    { [key]: value },
  );
}
