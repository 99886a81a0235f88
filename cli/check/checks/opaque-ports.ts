import { listsPort } from "../../../install/inject/ports.ts";
import { splitList } from "../../../install/inject/forms.ts";
import { ANNOTATIONS } from "../../../schemas/names.ts";
import { bullets, failed, PASSED, type Verdict } from "../check.ts";
import type { Pod, Service } from "../objects.ts";
import { dataPlanePods, isOver } from "../pods.ts";
import { type Scene, titleOf } from "../scene.ts";
import { matches } from "../../../schemas/kube/selector.ts";
import { SERVICES } from "../resources.ts";

const KEY = ANNOTATIONS.opaquePorts;

/**
 * A Service's annotation is for its clients, a pod's for its own proxy: where the two disagree on a port, one side
 * speaks HTTP and the other bytes. What has no annotation has the default ports.
 */
export async function findOpaquePorts(scene: Scene): Promise<Verdict> {
  const { dataPlaneNamespace } = scene.settings;
  const [services, pods, { opaquePorts }] = await Promise.all([
    scene.list(SERVICES, { namespace: dataPlaneNamespace }),
    dataPlanePods(scene),
    scene.config(),
  ]);
  const byNamespace = new Map<string, Pod[]>();
  for (const pod of pods) {
    if (isOver(pod)) continue;
    const key = pod.metadata.namespace ?? "";
    const others = byNamespace.get(key);
    if (others === undefined) byNamespace.set(key, [pod]);
    else others.push(pod);
  }
  const wrong = new Set<string>();
  for (const service of services) {
    const { selector = {}, clusterIP } = service.spec;
    if (clusterIP === "None" || Object.keys(selector).length === 0) continue;
    for (const pod of byNamespace.get(service.metadata.namespace ?? "") ?? []) {
      if (!matches({ matchLabels: selector }, pod.metadata.labels ?? {})) {
        continue;
      }
      for (const text of compare(service, pod, opaquePorts)) wrong.add(text);
    }
  }
  return wrong.size === 0 ? PASSED : failed(bullets([...wrong]));
}

/** Where a Service and one of its pods disagree; nothing when neither says anything. */
function compare(service: Service, pod: Pod, defaults: string): string[] {
  const ofService = service.metadata.annotations?.[KEY];
  const ofPod = pod.metadata.annotations?.[KEY];
  if (ofService === undefined && ofPod === undefined) return [];
  const podPorts = resolveNames(ofPod ?? defaults, pod);
  if (typeof podPorts === "string") return [podPorts];
  const name = titleOf(service);
  return (service.spec.ports ?? []).flatMap(({ port, targetPort = port }) => {
    const target = typeof targetPort === "number"
      ? targetPort
      : portNamed(targetPort, pod);
    if (target === undefined) return []; // this pod does not have the port
    const asked = listsPort(ofService ?? defaults, port);
    const given = podPorts.some((list) => listsPort(list, target));
    if (asked === given) return [];
    if (asked) {
      return [
        `service ${name} expects target port ${target} to be opaque; add it to pod ${pod.metadata.name} ${KEY} annotation`,
      ];
    }
    return [
      port === targetPort
        ? `service ${name} targets the opaque port ${port}; add it to its ${KEY} annotation`
        : `service ${name} targets the opaque port ${targetPort} through ${port}; add ${port} to its ${KEY} annotation`,
    ];
  });
}

/** The items of an annotation as numbers and ranges; a text says which name is none of the pod's ports. */
function resolveNames(list: string, pod: Pod): readonly string[] | string {
  const resolved: string[] = [];
  for (const item of splitList(list)) {
    if (/^\d+(-\d+)?$/.test(item)) resolved.push(item);
    else {
      const port = portNamed(item, pod);
      if (port === undefined) {
        return `failed to convert ${item} to port number for pod ${pod.metadata.name}`;
      }
      resolved.push(String(port));
    }
  }
  return resolved;
}

function portNamed(wanted: string, { spec }: Pod): number | undefined {
  return spec.containers.flatMap(({ ports = [] }) => ports)
    .find(({ name }) => name === wanted)?.containerPort;
}
