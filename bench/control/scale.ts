import type { ControlCase, ControlOptions } from "../cases/control.ts";
import type { Row } from "../result.ts";
import { openMeshCluster } from "./cluster.ts";
import { CASE, CHANGES_PER_SECOND, runCurve } from "./curve.ts";
import { PODS_PER_SERVICE, populate } from "./population.ts";
import { injectedPods } from "./template.ts";

/** Sizes of the cluster. */
const SERVICES = [100, 1_000];

/** How soon proxies learn of changes, and what that costs, in clusters that grow. */
export const controlScale: ControlCase = {
  name: CASE,
  about:
    `${CHANGES_PER_SECOND} changes/s of Services with ${PODS_PER_SERVICE} pods each, from the API server's answer to proxies' streams`,
  run: runScale,
};

async function runScale(options: ControlOptions): Promise<Row[]> {
  const cluster = await openMeshCluster(CASE);
  try {
    const template = await injectedPods();
    const rows: Row[] = [];
    let made = 0;
    for (const services of SERVICES) {
      await populate(cluster, template, made, services);
      made = services;
      rows.push(...await runCurve(cluster, services, options));
    }
    return rows;
  } finally {
    await cluster.close();
  }
}
