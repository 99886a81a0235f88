import { LABELS } from "../../../schemas/names.ts";
import {
  bullets,
  type Category,
  type Check,
  failed,
  PASSED,
  passedUnless,
  SKIPPED,
  type Verdict,
} from "../check.ts";
import { ANCHORS_ENV, NAMESPACES, type Pod, PODS } from "../objects.ts";
import {
  dataPlanePods,
  isOver,
  isProxyReady,
  PROXY,
  proxyOf,
  statusOf,
} from "../pods.ts";
import { type Scene, titleOf } from "../scene.ts";
import { readRoots } from "./identity.ts";
import {
  OPAQUE_PORTS,
  POD_LABELS,
  SERVICE_ANNOTATIONS,
  SERVICE_LABELS,
} from "./misplaced.ts";

/** Pods whose proxies are looked at. */
type Pick = (scene: Scene) => Promise<readonly Pod[]>;

const ofControlPlane: Pick = ({ list, settings: { namespace } }) =>
  list(PODS, { namespace, labels: LABELS.controlPlaneNamespace });

export const CONTROL_PLANE_PROXY: Category = {
  name: "linkerd-control-plane-proxy",
  checks: [
    {
      description: "control plane proxies are healthy",
      anchor: "l5d-cp-proxy-healthy",
      severity: "fatal",
      retry: "aloud",
      run: async (scene) => {
        const pods = await ofControlPlane(scene);
        const health = whetherHealthy(pods, scene.settings.namespace);
        return health.kind === "passed" ? await haveRoots(pods, scene) : health;
      },
    },
    upToDate(
      "control plane proxies are up-to-date",
      "l5d-cp-proxy-version",
      ofControlPlane,
    ),
    matchCli(
      "control plane proxies and cli versions match",
      "l5d-cp-proxy-cli-version",
      ofControlPlane,
    ),
  ],
};

export const DATA_PLANE: Category = {
  name: "linkerd-data-plane",
  checks: [
    {
      description: "data plane namespace exists",
      anchor: "l5d-data-plane-exists",
      severity: "fatal",
      run: async ({ get, settings: { dataPlaneNamespace } }) =>
        dataPlaneNamespace === undefined ||
          await get(NAMESPACES, dataPlaneNamespace) !== undefined
          ? PASSED
          : failed(`The "${dataPlaneNamespace}" namespace does not exist`),
    },
    {
      description: "data plane proxies are ready",
      anchor: "l5d-data-plane-ready",
      severity: "fatal",
      retry: "quietly",
      run: async (scene) =>
        whetherHealthy(
          await dataPlanePods(scene),
          scene.settings.dataPlaneNamespace,
        ),
    },
    upToDate(
      "data plane is up-to-date",
      "l5d-data-plane-version",
      dataPlanePods,
    ),
    matchCli(
      "data plane and cli versions match",
      "l5d-data-plane-cli-version",
      dataPlanePods,
    ),
    POD_LABELS,
    SERVICE_LABELS,
    SERVICE_ANNOTATIONS,
    OPAQUE_PORTS,
  ],
};

/** Whether proxies trust what the control plane trusts now; those that do not will lose each other at the next rotation. */
export const DATA_PLANE_IDENTITY: Category = {
  name: "linkerd-identity-data-plane",
  checks: [{
    description: "data plane proxies certificate match CA",
    anchor: "l5d-identity-data-plane-proxies-certs-match-ca",
    severity: "warning",
    run: async (scene) => {
      const { namespace } = scene.settings;
      const pods = (await dataPlanePods(scene)).filter(({ metadata }) =>
        metadata.namespace !== namespace
      );
      return await haveRoots(pods, scene);
    },
  }],
};

async function haveRoots(
  pods: readonly Pod[],
  scene: Scene,
): Promise<Verdict> {
  const roots = (await readRoots(scene)).trim();
  const old = pods.filter((pod) => {
    const anchors = proxyOf(pod)?.env?.find(({ name }) => name === ANCHORS_ENV)
      ?.value;
    return !isOver(pod) && anchors !== undefined && anchors.trim() !== roots;
  }).map((pod) =>
    scene.settings.dataPlaneNamespace === undefined
      ? titleOf(pod)
      : pod.metadata.name
  );
  return passedUnless(
    "Some pods do not have the current trust bundle and must be restarted:",
    old,
  );
}

function whetherHealthy(
  all: readonly Pod[],
  namespace: string | undefined,
): Verdict {
  const pods = all.filter((pod) => !isOver(pod));
  if (pods.length === 0) {
    const where = namespace === undefined
      ? ""
      : ` in the "${namespace}" namespace`;
    return failed(`no "${PROXY}" containers found${where}`);
  }
  const wrong = pods.flatMap((pod) => {
    const { name } = pod.metadata;
    const status = statusOf(pod);
    if (status !== "Running") return [`pod "${name}" status is ${status}`];
    return isProxyReady(pod)
      ? []
      : [`container "${PROXY}" in pod "${name}" is not ready`];
  });
  const [first] = wrong;
  if (first === undefined) return PASSED;
  return failed(
    wrong.length === 1
      ? first
      : `${wrong.length} of ${pods.length} proxies are not ready:\n${
        bullets(wrong)
      }`,
  );
}

function upToDate(description: string, anchor: string, pick: Pick): Check {
  return {
    description,
    anchor,
    severity: "warning",
    run: async (scene) => {
      const { expectedVersion } = scene.settings;
      if (expectedVersion === undefined) return SKIPPED;
      const old = running(await pick(scene)).filter(({ tag }) =>
        tag !== expectedVersion
      );
      return passedUnless(
        "some proxies are not running the current version:",
        old.map(({ name, tag }) => `${name} (${tag})`),
      );
    },
  };
}

function matchCli(description: string, anchor: string, pick: Pick): Check {
  return {
    description,
    anchor,
    severity: "warning",
    run: async (scene) => {
      const { cliVersion } = scene.settings;
      const other = running(await pick(scene)).find(({ tag }) =>
        tag !== cliVersion
      );
      return other === undefined ? PASSED : failed(
        `${other.name} running ${other.tag} but cli running ${cliVersion}`,
      );
    },
  };
}

/** Proxies that run, with the tag of their image; one that is named by digest only does not say its version. */
function running(
  pods: readonly Pod[],
): readonly { readonly name: string; readonly tag: string }[] {
  return pods.filter((pod) => statusOf(pod) === "Running").flatMap((pod) => {
    const image = proxyOf(pod)?.image ?? "";
    const tag = image.includes("@") ? "" : /:([^:/]+)$/.exec(image)?.[1] ?? "";
    return tag === "" ? [] : [{ name: pod.metadata.name, tag }];
  });
}
