import type { KubeObject, Pod } from "../../schemas/kube.ts";
import { PORTS } from "../../schemas/names.ts";
import { isMeshed, ownerLabel, proxyPort } from "../index/endpoint.ts";
import { isRunning, podIps } from "../index/workloads.ts";
import type { Emit } from "../source.ts";
import type { WorkloadPod } from "./query/workloads.ts";
import type { Labels } from "./readings.ts";
import type { ScrapeTarget } from "./scraper.ts";

/** The running pods of the world, as workloads and as proxies to be scraped. */
export interface Pods {
  readonly apply: Emit;
  readonly all: () => Iterable<WorkloadPod>;
  readonly targets: () => readonly ScrapeTarget[];
}

/** Follows the pods of a source; `changed` is called after each batch with pods. */
export function createPods(changed: () => void): Pods {
  const known = new Map<string, Pod>();
  return {
    apply(events) {
      let isChanged = false;
      for (const { kind, object } of events) {
        if (!isPod(object)) continue;
        const { namespace, name } = object.metadata;
        const id = `${namespace}/${name}`;
        if (kind === "delete" || !isRunning(object)) known.delete(id);
        else known.set(id, object);
        isChanged = true;
      }
      if (isChanged) changed();
    },
    *all() {
      for (const pod of known.values()) {
        yield {
          namespace: pod.metadata.namespace,
          name: pod.metadata.name,
          owners: ownerLabel(pod),
          isMeshed: isMeshed(pod),
          account: pod.spec?.serviceAccountName ?? "default",
        };
      }
    },
    targets: () => [...known].flatMap(([id, pod]) => targetOf(id, pod)),
  };
}

function isPod(object: KubeObject): object is Pod {
  return object.kind === "Pod";
}

function targetOf(id: string, pod: Pod): ScrapeTarget[] {
  const [ip] = podIps(pod);
  if (ip === undefined || !isMeshed(pod)) return [];
  const host = ip.includes(":") ? `[${ip}]` : ip;
  const port = proxyPort(pod, "ADMIN", PORTS.admin);
  return [{
    // A pod of a StatefulSet comes back with its name, and another address.
    id: `${id} ${ip}`,
    url: `http://${host}:${port}/metrics`,
    labels: labelsOf(pod),
  }];
}

/** As Linkerd's scrape configuration for Prometheus labels a proxy's metrics (facts: control plane 5.2). */
function labelsOf(pod: Pod): Labels {
  const { namespace, name } = pod.metadata;
  const serviceaccount = pod.spec?.serviceAccountName ?? "default";
  return { namespace, pod: name, serviceaccount, ...ownerLabel(pod) };
}
