import { matches } from "../../schemas/kube/selector.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { Cluster } from "../cluster.ts";
import type { KubeObject } from "../cluster/list.ts";
import { listKind } from "./objects.ts";
import type { Resource } from "./resource.ts";

/** A thing that is asked by Services with a ServiceProfile, or that asks one. */
export interface Profiled {
  readonly kind: string;
  readonly name: string;
  readonly profiles: readonly Profile[];
}

/** Routes of a Service: what its ServiceProfile is called, which is its authority without a port. */
export interface Profile {
  readonly service: string;
  readonly routes: readonly string[];
}

/** A Service, or, without a name, all of a namespace. */
export interface NamespacedService {
  readonly name: string | undefined;
  readonly namespace: string;
}

/**
 * Those of the resources of a namespace that have ServiceProfiles: of the Services that lead to them, or, where `to` is
 * given, of that one.
 */
export async function findProfiled(
  cluster: Cluster,
  { resources, namespace, selector, to }: {
    readonly resources: readonly Resource[];
    readonly namespace: string;
    readonly selector: string;
    readonly to: NamespacedService | null;
  },
): Promise<readonly Profiled[]> {
  const [profiles, services] = await Promise.all([
    listKind(cluster, "serviceprofile", to?.namespace ?? namespace),
    listKind(cluster, "service", namespace),
  ]);
  const profilesOf = (names: readonly string[], namespace: string) =>
    profiles.map(readProfile).filter(({ service }) =>
      names.some((name) => service.startsWith(`${name}.${namespace}.svc.`))
    );
  const asked = to === null
    ? null
    : to.name !== undefined
    ? profilesOf([to.name], to.namespace)
    : profiles.map(readProfile);
  const found = await Promise.all(resources.map(async ({ kind, name }) => {
    const objects = kind === "service" && selector === ""
      ? services
      : await listKind(cluster, kind, namespace, selector);
    return objects.filter(({ metadata }) =>
      name === undefined || metadata.name === name
    ).map((object): Profiled => ({
      kind,
      name: object.metadata.name,
      profiles: asked ??
        profilesOf(servicesOf(kind, object, services), namespace),
    }));
  }));
  return found.flat().filter(({ profiles }) => profiles.length > 0);
}

/** Names of the Services that lead to an object. */
function servicesOf(
  kind: string,
  object: KubeObject,
  services: readonly KubeObject[],
): readonly string[] {
  if (kind === "service") return [object.metadata.name];
  const labels = kind === "pod"
    ? object.metadata.labels ?? {}
    : templateLabels(object);
  return services.filter(({ spec }) => {
    const selector = isMap(spec) ? spec["selector"] : undefined;
    return kind === "namespace" || isTexts(selector) &&
        matches({ matchLabels: selector }, labels);
  }).map(({ metadata }) => metadata.name);
}

/** Labels that the pods of a workload have; a CronJob says them a level deeper. */
function templateLabels({ spec }: KubeObject): Texts {
  const outer = at(spec, ["jobTemplate", "spec"]) ?? spec;
  const labels = at(outer, ["template", "metadata", "labels"]);
  return isTexts(labels) ? labels : {};
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => isMap(value) ? value[key] : undefined,
    value,
  );
}

type Texts = Readonly<Record<string, string>>;

/** A Service without any selector leads nowhere by itself. */
function isTexts(value: unknown): value is Texts {
  return isMap(value) && Object.keys(value).length > 0;
}

function readProfile({ metadata, spec }: KubeObject): Profile {
  const routes = isMap(spec) && Array.isArray(spec["routes"])
    ? spec["routes"]
    : [];
  return {
    service: metadata.name,
    routes: routes.flatMap((route) =>
      isMap(route) ? [String(route["name"])] : []
    ),
  };
}
