import type {
  InjectionValues,
  ProxyValues,
  ResourceValues,
} from "../../schemas/values/proxy.ts";
import { proxyEnvironment, type Sidecar } from "./environment.ts";
import { MOUNT_PATHS, VOLUMES } from "./volumes.ts";
import type { Fields } from "./workload.ts";

/** What a proxy takes over from the pod it stands in. */
export interface Surroundings {
  /** Capabilities of the pod's first container. */
  readonly capabilities?: Fields;
  /** The first container's mount of its service account. */
  readonly serviceAccountMount?: Fields;
}

/** Linkerd's names inside the image; ours provides the same paths. */
const AWAIT_COMMAND = "/usr/lib/linkerd/linkerd-await";
const AWAIT_TIMEOUT = "2m";

/** The container `linkerd-proxy`, as Linkerd writes it. */
export function proxyContainer(
  sidecar: Sidecar,
  surroundings: Surroundings = {},
): Fields {
  const { values } = sidecar;
  const { proxy } = values;
  const lifecycle = lifecycleOf(proxy);
  return {
    name: "linkerd-proxy",
    image: proxyImage(values),
    imagePullPolicy: proxy.image.pullPolicy || values.imagePullPolicy,
    env: proxyEnvironment(sidecar),
    ...(lifecycle === undefined ? {} : { lifecycle }),
    livenessProbe: probe(proxy, "/live", proxy.livenessProbe),
    ports: [
      { containerPort: proxy.ports.inbound, name: "linkerd-proxy" },
      { containerPort: proxy.ports.admin, name: "linkerd-admin" },
    ],
    readinessProbe: probe(proxy, "/ready", proxy.readinessProbe),
    ...(proxy.nativeSidecar && proxy.await
      ? { startupProbe: probe(proxy, "/ready", proxy.startupProbe) }
      : {}),
    ...resourcesOf(proxy.resources),
    ...(proxy.nativeSidecar ? { restartPolicy: "Always" } : {}),
    securityContext: securityContext(proxy, surroundings),
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: mounts(values, surroundings),
  };
}

/** A delay of zero is not written: the API server drops it, and every `kubectl apply` would find a change. */
function probe(
  { ports }: ProxyValues,
  path: string,
  settings: ProxyValues["readinessProbe"] | ProxyValues["startupProbe"],
): Fields {
  const { initialDelaySeconds: delay, ...rest } = settings;
  return {
    httpGet: { path, port: ports.admin },
    ...(delay ? { initialDelaySeconds: delay } : {}),
    ...rest,
  };
}

/** The proxy's image with its tag: an install without one uses its own version. */
export function proxyImage({ proxy, linkerdVersion }: InjectionValues): string {
  return `${proxy.image.name}:${proxy.image.version || linkerdVersion}`;
}

/** Kubernetes' form of a block of quantities; nothing when none is asked for. */
export function resourcesOf(
  resources: ResourceValues,
): { readonly resources?: Fields } {
  const kinds = ["limits", "requests"].flatMap((list) => {
    const side = list === "limits" ? "limit" : "request";
    const amounts = (["cpu", "ephemeral-storage", "memory"] as const)
      .map((name) => [name, resources[name][side]])
      .filter(([, amount]) => amount !== "");
    return amounts.length === 0 ? [] : [[list, Object.fromEntries(amounts)]];
  });
  return kinds.length === 0 ? {} : { resources: Object.fromEntries(kinds) };
}

/** Hooks of a plain container; kubelet orders a native sidecar by itself. */
function lifecycleOf(proxy: ProxyValues): Fields | undefined {
  if (proxy.nativeSidecar) return undefined;
  const hooks: Record<string, unknown> = {};
  if (proxy.await) {
    hooks["postStart"] = {
      exec: {
        command: [
          AWAIT_COMMAND,
          `--timeout=${AWAIT_TIMEOUT}`,
          `--port=${proxy.ports.admin}`,
        ],
      },
    };
  }
  if (proxy.waitBeforeExitSeconds > 0) {
    hooks["preStop"] = {
      exec: { command: ["/bin/sleep", String(proxy.waitBeforeExitSeconds)] },
    };
  }
  return Object.keys(hooks).length === 0 ? undefined : hooks;
}

function securityContext(
  proxy: ProxyValues,
  { capabilities }: Surroundings,
): Fields {
  if (Object.keys(proxy.securityContext).length > 0) {
    return proxy.securityContext;
  }
  return {
    allowPrivilegeEscalation: false,
    ...(capabilities === undefined ? {} : { capabilities }),
    readOnlyRootFilesystem: true,
    ...(proxy.gid >= 0 ? { runAsGroup: proxy.gid } : {}),
    runAsNonRoot: true,
    runAsUser: proxy.uid,
    seccompProfile: { type: "RuntimeDefault" },
  };
}

function mounts(
  values: InjectionValues,
  { serviceAccountMount }: Surroundings,
): Fields[] {
  const list: Fields[] = [];
  if (values.proxy.tracing.enabled) {
    list.push({ mountPath: MOUNT_PATHS.podinfo, name: VOLUMES.podinfo });
  }
  list.push({ mountPath: MOUNT_PATHS.endEntity, name: VOLUMES.endEntity });
  if (values.identity.serviceAccountTokenProjection) {
    list.push({ mountPath: MOUNT_PATHS.token, name: VOLUMES.token });
  }
  if (serviceAccountMount !== undefined) list.push(serviceAccountMount);
  return list;
}
