import { LABELS } from "../../../schemas/names.ts";
import type { Category } from "../check.ts";
import {
  haveRoots,
  matchCli,
  type Pick,
  upToDate,
  whetherHealthy,
} from "../proxies.ts";
import { PODS } from "../resources.ts";

const ofControlPlane: Pick = ({ list, settings: { namespace } }) =>
  list(PODS, { namespace, labels: LABELS.controlPlaneNamespace });

/** The control plane's own proxies: without them nobody reaches it. */
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
