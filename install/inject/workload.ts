import {
  type FieldPath,
  FieldProblem,
  formatPath,
} from "../../schemas/kube/field-problem.ts";

/** An object as parsed from a manifest or a request: nothing about it is known yet. */
export type Fields = { readonly [name: string]: unknown };
export type Texts = { readonly [name: string]: string };

export interface ContainerPort {
  readonly containerPort: number;
  readonly name?: string;
  readonly protocol?: string;
}

/** What injection reads of a container; all else is left as it is. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports: readonly ContainerPort[];
  /** The container as written. */
  readonly fields: Fields;
}

/** A pod, or the pod that a workload will make. */
export interface Pod {
  readonly labels: Texts;
  readonly annotations: Texts;
  /** The metadata as written; null when there is none. */
  readonly metadata: Fields | null;
  readonly spec: Fields;
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
}

/** An object that runs pods. */
export interface Workload {
  /** Lower case, as reports and labels want it. */
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** Where the pod stands in the object; empty for a Pod. */
  readonly path: readonly string[];
  readonly pod: Pod;
}

const TEMPLATE = ["spec", "template"];
/** Where each kind keeps its pod. Kinds are compared without case, as Linkerd does. */
const POD_PATHS: Readonly<Record<string, readonly string[]>> = {
  pod: [],
  cronjob: ["spec", "jobTemplate", "spec", "template"],
  daemonset: TEMPLATE,
  deployment: TEMPLATE,
  job: TEMPLATE,
  replicaset: TEMPLATE,
  replicationcontroller: TEMPLATE,
  statefulset: TEMPLATE,
};

/** Where an object of a kind keeps its pod; undefined when it has none. */
export function podPath(kind: string): readonly string[] | undefined {
  const lower = kind.toLowerCase();
  return Object.hasOwn(POD_PATHS, lower) ? POD_PATHS[lower] : undefined;
}

/** Reads an object that runs pods; null for other kinds. Throws `manifest.invalid` with the field at fault. */
export function readWorkload(object: Fields): Workload | null {
  const kind = typeof object["kind"] === "string" ? object["kind"] : "";
  const path = podPath(kind);
  if (path === undefined) return null;
  const metadata = fieldsAt(object, ["metadata"]) ?? {};
  const parent = fieldsAt(object, path);
  if (parent === null) throw wrong(path, undefined, "a pod template");
  const own = fieldsAt(object, [...path, "metadata"]);
  const spec = fieldsAt(object, [...path, "spec"]);
  if (spec === null) {
    throw wrong([...path, "spec"], undefined, "a pod's fields");
  }
  const containers = readContainers(object, [...path, "spec", "containers"]);
  if (containers.length === 0) {
    throw wrong(
      [...path, "spec", "containers"],
      undefined,
      "at least one container",
    );
  }
  return {
    kind: kind.toLowerCase(),
    name: textOf(metadata["name"]) ?? textOf(metadata["generateName"]) ?? "",
    namespace: textOf(metadata["namespace"]),
    path,
    pod: {
      labels: textsAt(object, [...path, "metadata", "labels"]),
      annotations: textsAt(object, [...path, "metadata", "annotations"]),
      metadata: own,
      spec,
      containers,
      initContainers: readContainers(object, [
        ...path,
        "spec",
        "initContainers",
      ]),
    },
  };
}

/** The labels or annotations at a path; none when absent. Throws when one is not text, as the API server would. */
export function textsAt(object: Fields, path: FieldPath): Texts {
  const fields = fieldsAt(object, path) ?? {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && typeof value !== "string") {
      throw wrong([...path, name], value, "a string (quote it)");
    }
  }
  return fields as Texts;
}

/** The map of fields at a path; null when absent. Throws when something else stands there. */
export function fieldsAt(object: Fields, path: FieldPath): Fields | null {
  let at: Fields = object;
  for (const [depth, name] of path.entries()) {
    const next = at[name];
    if (next === undefined || next === null) return null;
    if (!isFields(next)) {
      throw wrong(path.slice(0, depth + 1), next, "a map of fields");
    }
    at = next;
  }
  return at;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readContainers(object: Fields, path: readonly string[]): Container[] {
  const last = path.at(-1) ?? "";
  const list = fieldsAt(object, path.slice(0, -1))?.[last];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw wrong(path, list, "a list of containers");
  return list.map((item: unknown, index) => {
    const at = [...path, index];
    if (!isFields(item)) throw wrong(at, item, "a container");
    const name = item["name"];
    if (typeof name !== "string" || name === "") {
      throw wrong([...at, "name"], name, "a container's name");
    }
    return {
      name,
      image: textOf(item["image"]) ?? "",
      ports: readPorts(item["ports"], [...at, "ports"]),
      fields: item,
    };
  });
}

function readPorts(list: unknown, path: FieldPath): ContainerPort[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw wrong(path, list, "a list of ports");
  return list.map((item: unknown, index) => {
    const port = isFields(item) ? item["containerPort"] : undefined;
    if (!isFields(item) || !Number.isInteger(port)) {
      throw wrong([...path, index, "containerPort"], port, "a port number");
    }
    return item as unknown as ContainerPort;
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function wrong(path: FieldPath, found: unknown, wanted: string): FieldProblem {
  const text = found === undefined || found === null
    ? "missing"
    : isFields(found)
    ? "a map of fields"
    : JSON.stringify(found);
  return new FieldProblem(
    "manifest.invalid",
    path,
    `${formatPath(path)} is ${text}, expected ${wanted}`,
  );
}
