import { ANNOTATIONS, LABELS } from "../../schemas/names.ts";
import { VOLUMES } from "./volumes.ts";
import { type Fields, isFields, podPath } from "./workload.ts";

/** An object without what injection put into it, and whether that was more than labels. */
export interface Uninjected {
  readonly object: Fields;
  readonly removed: boolean;
}

/** How much is taken for ours: all that begins with `linkerd.io/` and what says that a pod is tapped, or only what injection itself writes into pods. */
export type Scope = "everything" | "injected";

const CONTAINERS: readonly unknown[] = [
  "linkerd-init",
  "linkerd-network-validator",
  "linkerd-proxy",
  "linkerd-debug",
];
const VOLUME_NAMES: readonly unknown[] = Object.values(VOLUMES);
const WRITTEN: readonly string[] = [
  ANNOTATIONS.createdBy,
  ANNOTATIONS.proxyVersion,
  ANNOTATIONS.trustRootSha256,
  ANNOTATIONS.tapEnabled,
  LABELS.controlPlaneNamespace,
  LABELS.workloadNamespace,
];

/**
 * Takes an injection out of an object of any kind. `everything` is `linkerd uninject`: keys of the object's own
 * metadata go as well, `linkerd.io/inject: disabled` and all of `config.linkerd.io/` stay. `injected` is what
 * `linkerd inject` does before it begins anew. Parts that do not change are shared with the input.
 */
export function uninject(object: Fields, scope: Scope): Uninjected {
  const kind = typeof object["kind"] === "string" ? object["kind"] : "";
  const path = podPath(kind);
  const supported = path !== undefined ||
    ["namespace", "service"].includes(kind.toLowerCase());
  if (!supported) return { object, removed: false };
  let result: Uninjected = { object, removed: false };
  if (scope === "everything") result = cleanMetadata(result, scope);
  if (path === undefined) return result;
  return within(
    result,
    path,
    (pod) => within(cleanMetadata(pod, scope), ["spec"], cleanSpec),
  );
}

/** Applies a step to the part at a path. */
function within(
  { object, removed }: Uninjected,
  path: readonly string[],
  step: (part: Uninjected) => Uninjected,
): Uninjected {
  const [name, ...rest] = path;
  if (name === undefined) return step({ object, removed });
  const part = object[name];
  if (!isFields(part)) return { object, removed };
  const done = within({ object: part, removed }, rest, step);
  return done.object === part
    ? { object, removed: done.removed }
    : { object: put(object, name, done.object), removed: done.removed };
}

function cleanMetadata(whole: Uninjected, scope: Scope): Uninjected {
  const metadata = whole.object["metadata"];
  if (!isFields(metadata)) return whole;
  const labels = metadata["labels"];
  // The control plane's own objects are known by these very labels.
  if (isFields(labels) && LABELS.controlPlaneComponent in labels) return whole;
  const isOurs = scope === "everything" ? isLinkerds : isWritten;
  const bare = dropKeys(metadata, "annotations", isOurs);
  const clean = dropKeys(bare, "labels", isOurs);
  if (clean === metadata) return whole;
  return {
    object: Object.keys(clean).length === 0
      ? drop(whole.object, "metadata")
      : put(whole.object, "metadata", clean),
    removed: whole.removed || bare !== metadata,
  };
}

function isLinkerds(key: string, value: unknown): boolean {
  return (key.startsWith("linkerd.io/") || key === ANNOTATIONS.tapEnabled) &&
    !(key === ANNOTATIONS.inject && value === "disabled");
}

/** Ingress mode is configuration, and stays for the injection that follows. */
function isWritten(key: string, value: unknown): boolean {
  return WRITTEN.includes(key) || key.startsWith("linkerd.io/proxy-") ||
    (key === ANNOTATIONS.inject && value === "enabled");
}

function cleanSpec(spec: Uninjected): Uninjected {
  const before = spec.object;
  const inits = dropItems(before, "initContainers", CONTAINERS);
  const containers = dropItems(inits, "containers", CONTAINERS);
  const object = dropItems(containers, "volumes", VOLUME_NAMES);
  return { object, removed: spec.removed || containers !== before };
}

function dropItems(
  spec: Fields,
  field: string,
  names: readonly unknown[],
): Fields {
  const list = spec[field];
  if (!Array.isArray(list)) return spec;
  const kept = list.filter((item) =>
    !isFields(item) || !names.includes(item["name"])
  );
  if (kept.length === list.length) return spec;
  return kept.length === 0 ? drop(spec, field) : put(spec, field, kept);
}

function dropKeys(
  metadata: Fields,
  field: string,
  unwanted: (key: string, value: unknown) => boolean,
): Fields {
  const texts = metadata[field];
  if (!isFields(texts)) return metadata;
  const kept = Object.entries(texts).filter(([key, value]) =>
    !unwanted(key, value)
  );
  if (kept.length === Object.keys(texts).length) return metadata;
  return kept.length === 0
    ? drop(metadata, field)
    : put(metadata, field, Object.fromEntries(kept));
}

function put(object: Fields, name: string, value: unknown): Fields {
  return { ...object, [name]: value };
}

function drop(object: Fields, name: string): Fields {
  return Object.fromEntries(
    Object.entries(object).filter(([key]) => key !== name),
  );
}
