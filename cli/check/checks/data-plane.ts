import type { Category } from "../check.ts";
import { dataPlanePods } from "../pods.ts";
import { haveRoots, matchCli, upToDate, whetherHealthy } from "../proxies.ts";
import {
  OPAQUE_PORTS,
  POD_LABELS,
  SERVICE_ANNOTATIONS,
  SERVICE_LABELS,
} from "./misplaced.ts";
import { DATA_PLANE_NAMESPACE } from "./namespaces.ts";

/** The proxies beside applications, and what configures them. */
export const DATA_PLANE: Category = {
  name: "linkerd-data-plane",
  checks: [
    DATA_PLANE_NAMESPACE,
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
