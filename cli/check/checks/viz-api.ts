import { GROUP_VERSION, TAP_GROUP, VIZ_GROUP } from "../../../schemas/tap.ts";
import { type Check, failed, PASSED, type Verdict } from "../check.ts";
import { METRICS } from "../metrics.ts";
import { API_SERVICES } from "../resources.ts";
import type { Scene } from "../scene.ts";
import {
  readServerPem,
  toServed,
  whetherBelieved,
  whetherLasting,
} from "../served.ts";

/** Names of APIServices: what the metrics component answers behind the API server. */
export const SERVED = [TAP_GROUP, VIZ_GROUP].map((group) =>
  `${GROUP_VERSION}.${group}`
);

/** Whether the API server believes the metrics component, and hears from it. */
export const VIZ_API: readonly Check[] = [
  {
    description: "tap API server has valid cert",
    anchor: "l5d-tap-cert-valid",
    severity: "fatal",
    run: (scene) => firstFailure(scene, whetherBelievedBy),
  },
  {
    description: "tap API server cert is valid for at least 60 days",
    anchor: "l5d-tap-cert-not-expiring-soon",
    severity: "warning",
    run: (scene) => firstFailure(scene, whetherLastingBy),
  },
  {
    description: "tap API service is running",
    anchor: "l5d-tap-api",
    severity: "warning",
    retry: "quietly",
    run: (scene) => firstFailure(scene, whetherAvailable),
  },
];

/** What is wrong with the first of the APIServices with which anything is. */
async function firstFailure(
  scene: Scene,
  judge: (name: string, scene: Scene) => Promise<Verdict>,
): Promise<Verdict> {
  for (const name of SERVED) {
    const verdict = await judge(name, scene);
    if (verdict.kind === "failed") return failed(`${name}: ${verdict.error}`);
  }
  return PASSED;
}

async function readServed(name: string, scene: Scene) {
  const service = await scene.get(API_SERVICES, name);
  const pem = await readServerPem(scene, [`${METRICS}-k8s-tls`]);
  return toServed(METRICS, pem, service?.spec.caBundle, name);
}

async function whetherBelievedBy(
  name: string,
  scene: Scene,
): Promise<Verdict> {
  const host = `${METRICS}.${scene.settings.namespace}.svc`;
  return whetherBelieved(await readServed(name, scene), host, scene.nowMs);
}

async function whetherLastingBy(name: string, scene: Scene): Promise<Verdict> {
  return whetherLasting(await readServed(name, scene), scene.nowMs);
}

async function whetherAvailable(
  name: string,
  { get }: Scene,
): Promise<Verdict> {
  const service = await get(API_SERVICES, name);
  const available = service?.status?.conditions?.find(({ type }) =>
    type === "Available"
  );
  if (available?.status === "True") return PASSED;
  const { reason = "Unknown", message = "nobody has looked yet" } = available ??
    {};
  return failed(`${reason}: ${message}`);
}
