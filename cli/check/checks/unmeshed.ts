import {
  decide,
  isControlPlane,
  REASON_TEXT,
} from "../../../install/inject/decide.ts";
import { type Fields, readWorkload } from "../../../install/inject/workload.ts";
import { type Category, passedUnless } from "../check.ts";
import type { KubeItem, Pod } from "../objects.ts";
import { isOver, proxyOf } from "../pods.ts";
import { type Scene, titleOf } from "../scene.ts";
import { type LabelSelector, matches } from "../../../schemas/kube/selector.ts";
import { MUTATING_WEBHOOKS, NAMESPACES, PODS } from "../resources.ts";

/** Pods somebody asked a proxy for, and which have none: they work, but nothing protects or measures what they say. */
export const UNMESHED: Category = {
  name: "linkerd-injection",
  checks: [{
    description: "pods that should be meshed are",
    anchor: "l5d-injection-unmeshed-pods",
    severity: "warning",
    run: async (scene) =>
      passedUnless("Some pods should have a proxy and have none:", [
        ...await findUnmeshed(scene),
      ]),
  }],
};

async function findUnmeshed(scene: Scene): Promise<string[]> {
  const { dataPlaneNamespace } = scene.settings;
  const [namespaces, pods, { tokenProjection }, injector] = await Promise.all([
    scene.list(NAMESPACES),
    scene.list(PODS, { namespace: dataPlaneNamespace }),
    scene.config(),
    scene.get(MUTATING_WEBHOOKS, "linkerd-proxy-injector-webhook-config"),
  ]);
  const around = new Map(
    namespaces.map((namespace) => [namespace.metadata.name, namespace]),
  );
  const { namespaceSelector = {}, objectSelector = {} } =
    injector?.webhooks?.[0] ?? {};
  return pods.flatMap((pod) => {
    const namespace = around.get(pod.metadata.namespace ?? "");
    if (namespace === undefined || proxyOf(pod) !== undefined) return [];
    if (isOver(pod) || pod.metadata.deletionTimestamp !== undefined) return [];
    const why = whyUnmeshed(pod, namespace, {
      tokenProjection,
      namespaceSelector,
      objectSelector,
    });
    return why === undefined ? [] : [`${titleOf(pod)}: ${why}`];
  });
}

/** Reasons that mean that nobody asked for a proxy. */
const UNASKED = [
  "injection_enable_annotation_absent",
  "injection_disable_annotation_present",
] as const;

/** Why a pod has no proxy that somebody wants it to have; undefined when nobody does. */
function whyUnmeshed(
  pod: Pod,
  namespace: KubeItem,
  { tokenProjection, namespaceSelector, objectSelector }: {
    readonly tokenProjection: boolean;
    readonly namespaceSelector: LabelSelector;
    readonly objectSelector: LabelSelector;
  },
): string | undefined {
  // A list's items do not repeat their kind.
  const fields: Fields = { ...pod, kind: "Pod" };
  const workload = readWorkload(fields);
  if (workload === null || isControlPlane(workload.pod)) return undefined;
  const decision = decide({
    origin: "webhook",
    pod: workload.pod,
    namespaceAnnotations: namespace.metadata.annotations ?? {},
    tokenProjection,
  });
  if (!decision.inject) {
    const { reasons } = decision;
    if (UNASKED.some((reason) => reasons.includes(reason))) return undefined;
    return reasons.map((reason) => REASON_TEXT[reason]).join(", ");
  }
  const inNamespace = {
    "kubernetes.io/metadata.name": namespace.metadata.name,
    ...namespace.metadata.labels,
  };
  if (!matches(namespaceSelector, inNamespace)) {
    return "the injector's namespaceSelector leaves out its namespace";
  }
  if (!matches(objectSelector, pod.metadata.labels ?? {})) {
    return "the injector's objectSelector leaves it out";
  }
  return decision.askedAt === "namespace"
    ? "it was made before its namespace asked for proxies, or while the injector was away: restart it"
    : "it was made while the injector was away: restart it";
}
