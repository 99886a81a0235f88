import {
  bullets,
  type Check,
  failed,
  PASSED,
  passedUnless,
  SKIPPED,
  type Verdict,
} from "./check.ts";
import { readBundle } from "../certificates/read.ts";
import { isSameBundle, readTrust } from "../identity/trust.ts";
import { readRoots } from "./credentials.ts";
import type { Pod } from "./objects.ts";
import { isOver, isProxyReady, PROXY, proxyOf, statusOf } from "./pods.ts";
import { ANCHORS_ENV } from "./resources.ts";
import { type Scene, titleOf } from "./scene.ts";
import { together } from "./together.ts";

/** Pods whose proxies are looked at. */
export type Pick = (scene: Scene) => Promise<readonly Pod[]>;

/** Whether proxies trust the anchors that are in force: those they were started with, or have taken over since. */
export async function haveRoots(
  pods: readonly Pod[],
  scene: Scene,
): Promise<Verdict> {
  const roots = (await readRoots(scene)).trim();
  const suspects = pods.filter((pod) => {
    const anchors = proxyOf(pod)?.env?.find(({ name }) => name === ANCHORS_ENV)
      ?.value;
    return !isOver(pod) && anchors !== undefined && anchors.trim() !== roots;
  });
  const cluster = await scene.open();
  const live = await together(suspects, (pod) => readTrust(cluster, pod));
  const bundle = suspects.length === 0
    ? []
    : readBundle(roots, "trust anchors");
  const old = suspects.filter((_, at) =>
    !isSameBundle(live[at]?.anchors ?? [], bundle)
  ).map((pod) =>
    scene.settings.dataPlaneNamespace === undefined
      ? titleOf(pod)
      : pod.metadata.name
  );
  return passedUnless(
    "Some pods do not have the current trust bundle and must be restarted:",
    old,
  );
}

/** Whether pods run, and their proxies are ready. */
export function whetherHealthy(
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

/** Whether proxies have the version that is expected. */
export function upToDate(
  description: string,
  anchor: string,
  pick: Pick,
): Check {
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

/** Whether proxies have the version of this command. */
export function matchCli(
  description: string,
  anchor: string,
  pick: Pick,
): Check {
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
