import { TOKEN_AUDIENCE } from "../../schemas/names.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import type { Fields } from "./workload.ts";

/** Names of the volumes that injection adds. */
export const VOLUMES = {
  endEntity: "linkerd-identity-end-entity",
  token: "linkerd-identity-token",
  xtablesLock: "linkerd-proxy-init-xtables-lock",
  podinfo: "linkerd-podinfo",
} as const;

/** Where the proxy finds them. */
export const MOUNT_PATHS = {
  endEntity: "/var/run/linkerd/identity/end-entity",
  token: "/var/run/secrets/tokens",
  podinfo: "/var/run/linkerd/podinfo",
} as const;

/** The file of its volume that holds the token. */
export const TOKEN_FILE = "linkerd-identity-token";

/** How long a token for identity is good; kubelet renews it well before (Linkerd chart 2.x). */
const TOKEN_SECONDS = 86_400;

/** The lock file of iptables: the image's own root is read-only. */
export function xtablesLockVolume({ proxyInit }: InjectionValues): Fields {
  return { name: proxyInit.xtMountPath.name, emptyDir: {} };
}

/** Volumes of the proxy: key and certificate in memory, what traces tell of the pod, a token for identity. */
export function proxyVolumes(
  values: InjectionValues,
  told: readonly ("annotations" | "labels")[] = ["labels"],
): Fields[] {
  const list: Fields[] = [
    { name: VOLUMES.endEntity, emptyDir: { medium: "Memory" } },
  ];
  if (values.proxy.tracing.enabled) {
    list.push({
      name: VOLUMES.podinfo,
      downwardAPI: {
        items: told.map((path) => ({
          path,
          fieldRef: { fieldPath: `metadata.${path}` },
        })),
      },
    });
  }
  if (values.identity.serviceAccountTokenProjection) {
    list.push({
      name: VOLUMES.token,
      projected: {
        sources: [{
          serviceAccountToken: {
            path: TOKEN_FILE,
            expirationSeconds: TOKEN_SECONDS,
            audience: TOKEN_AUDIENCE,
          },
        }],
      },
    });
  }
  return list;
}
