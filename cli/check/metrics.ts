import type { ProxyRow } from "../../schemas/stats.ts";
import { metricsPath } from "../../schemas/tap.ts";
import { isMap } from "../../schemas/values/merge.ts";
import { type Category, SKIPPED } from "./check.ts";
import { DEPLOYMENTS } from "./resources.ts";
import type { Scene } from "./scene.ts";

/** The Deployment, Service and ServiceAccount of the metrics component. */
export const METRICS = "linkerd-metrics";

/** The same checks where there is a metrics component to look at; other control planes need none. */
export function whereThere({ name, checks }: Category): Category {
  return {
    name,
    checks: checks.map((check) => ({
      ...check,
      run: async (scene) =>
        await scene.get(DEPLOYMENTS, METRICS, scene.settings.namespace) ===
            undefined
          ? SKIPPED
          : await check.run(scene),
    })),
  };
}

/** Of which meshed pods of a namespace, or of all, metrics come in: asked of the metrics component. Throws as `Scene.call` does. */
export async function askProxies(
  { call }: Scene,
  namespace: string | null,
): Promise<readonly ProxyRow[]> {
  const path = metricsPath("proxies", namespace);
  const answer = await call({ path, query: { kind: "pod" } });
  const rows = isMap(answer) ? answer["rows"] : undefined;
  if (Array.isArray(rows)) return rows;
  throw new Error(`the answer of ${path} is not one of the metrics component`);
}
