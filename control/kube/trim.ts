import type { KubeObject, Pod } from "../../schemas/kube.ts";

/** Annotations that are settings of the mesh; others, `kubectl apply`'s above all, may be as large as their objects. */
const OWN_ANNOTATION =
  /^(config|timeout|retry|balancer|balancer\.alpha)\.linkerd\.io\//;

/** The variables of a proxy that say where it listens (control/index/endpoint.ts). */
const OWN_VARIABLE = /^LINKERD2_PROXY_[A-Z]+_LISTEN_ADDR$/;

/** What a cluster's objects are kept as: without texts that nothing here reads, which are most of a meshed Pod. */
export function trim(object: KubeObject): KubeObject {
  const { annotations } = object.metadata;
  const metadata = annotations === undefined ? object.metadata : {
    ...object.metadata,
    annotations: Object.fromEntries(
      Object.entries(annotations)
        .filter(([name]) => OWN_ANNOTATION.test(name)),
    ),
  };
  return object.kind === "Pod"
    ? { ...object, metadata, spec: trimSpec(object.spec) } as Pod
    : { ...object, metadata } as KubeObject;
}

function trimSpec(spec: Pod["spec"]): Pod["spec"] {
  return spec && {
    ...spec,
    ...(spec.containers && { containers: spec.containers.map(trimContainer) }),
    ...(spec.initContainers &&
      { initContainers: spec.initContainers.map(trimContainer) }),
  };
}

type Container = NonNullable<NonNullable<Pod["spec"]>["containers"]>[number];

function trimContainer({ env, ...container }: Container): Container {
  const own = env?.filter(({ name }) => OWN_VARIABLE.test(name)) ?? [];
  return own.length === 0 ? container : { ...container, env: own };
}
