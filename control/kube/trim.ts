import type { KubeObject, Pod } from "../../schemas/kube.ts";
import { createShare } from "./share.ts";

/** Annotations that are settings of the mesh; others, `kubectl apply`'s above all, may be as large as their objects. */
const OWN_ANNOTATION =
  /^(config|timeout|retry|balancer|balancer\.alpha|viz)\.linkerd\.io\//;

/** The variables of a proxy that say where it listens (control/index/endpoint.ts), and who it is (control/tap/pods.ts). */
const OWN_VARIABLE =
  /^LINKERD2_PROXY_(?:[A-Z]+_LISTEN_ADDR|IDENTITY_LOCAL_NAME)$/;

/** Pods of one template follow each other in a list; so many different ones may come between when they change. */
const SHARED_MAX = 64;

/**
 * What a cluster's objects are kept as: without texts that nothing here reads, which are most of a meshed Pod, and with
 * what Pods of one template have in common kept once, which is most of the rest.
 */
export function createTrim(): (object: KubeObject) => KubeObject {
  const share = createShare(SHARED_MAX);

  return (object) => {
    const { annotations, labels } = object.metadata;
    const metadata = {
      ...object.metadata,
      ...(annotations && { annotations: share(ownOf(annotations)) }),
      ...(labels && { labels: share(labels) }),
    };
    return object.kind === "Pod"
      ? { ...object, metadata, spec: trimSpec(object.spec) } as Pod
      : { ...object, metadata } as KubeObject;
  };

  function trimSpec(spec: Pod["spec"]): Pod["spec"] {
    const { containers, initContainers } = spec ?? {};
    return spec && {
      ...spec,
      ...(containers && { containers: share(containers.map(trimContainer)) }),
      ...(initContainers &&
        { initContainers: share(initContainers.map(trimContainer)) }),
    };
  }
}

function ownOf(annotations: Texts): Texts {
  return Object.fromEntries(
    Object.entries(annotations)
      .filter(([name]) => OWN_ANNOTATION.test(name)),
  );
}

type Texts = NonNullable<KubeObject["metadata"]["annotations"]>;
type Container = NonNullable<NonNullable<Pod["spec"]>["containers"]>[number];

function trimContainer({ env, ...container }: Container): Container {
  const own = env?.filter(({ name }) => OWN_VARIABLE.test(name)) ?? [];
  return own.length === 0 ? container : { ...container, env: own };
}
