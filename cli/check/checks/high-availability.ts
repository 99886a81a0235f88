import { type Category, failed, PASSED, SKIPPED } from "../check.ts";
import { DEPLOYMENTS } from "../resources.ts";
import { COMPONENTS } from "./existence.ts";

/** An install with `--ha` promises more than one of each component. */
export const HIGH_AVAILABILITY: Category = {
  name: "linkerd-ha-checks",
  checks: [{
    description: "multiple replicas of control plane pods",
    anchor: "l5d-control-plane-replicas",
    severity: "warning",
    retry: "quietly",
    run: async ({ get, config, settings: { namespace } }) => {
      if (!(await config()).highAvailability) return SKIPPED;
      const found = await Promise.all(COMPONENTS.map(async (component) => {
        const name = `linkerd-${component}`;
        const deployment = await get(DEPLOYMENTS, name, namespace);
        const { availableReplicas = 0 } = deployment?.status ?? {};
        return availableReplicas > 1 ? [] : [name];
      }));
      const few = found.flat();
      return few.length === 0
        ? PASSED
        : failed(`not enough replicas available for [${few.join(" ")}]`);
    },
  }],
};
