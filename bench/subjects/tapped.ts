import { startControlPlane } from "../../demo/bed/control-plane.ts";
import type { Pod } from "../../demo/bed/pod.ts";
import { REALM } from "../../demo/bed/proxy-environment.ts";
import { formatIdentity } from "../../schemas/identity.ts";
import type { Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { startOurPair } from "./ours.ts";

/** Linkerd's default of `linkerd viz tap`. */
export const TAP_MAX_RPS = 100;

const TAPPER = { serviceAccount: "tapper", namespace: "default" };

/** Pairs of ours: one that nobody taps, one whose requests are shown, and one that is asked for requests it does not get. */
export const TAPPED: readonly Subject[] = [
  pair("untapped", null),
  pair("tapped", "/"),
  pair("tapped-for-others", "/nowhere"),
];

function pair(name: string, path: string | null): Subject {
  return {
    name,
    carries: ["http1"],
    async start(stage) {
      const tapper = await tapperOf(stage);
      const running = await startOurPair(stage, name, {
        LINKERD2_PROXY_TAP_SVC_NAME: formatIdentity(TAPPER, REALM),
      });
      if (path === null) return running;
      const ips = [running.client, running.server].map(({ ip }) => ip);
      const program = tapper.run(
        ["bun", "bench/load/tap.ts", `${TAP_MAX_RPS}`, path, ...ips],
      );
      await program.line("tapping");
      return running;
    },
  };
}

const tappers = new WeakMap<Stage, Promise<Pod>>();

/** Who taps in a stage, and its control plane; the first who asks starts them. */
function tapperOf(stage: Stage): Promise<Pod> {
  const found = tappers.get(stage) ??
    startControlPlane(stage.bed).then(() =>
      stage.bed.addPod({
        name: "tapper",
        serviceAccount: TAPPER.serviceAccount,
      })
    );
  tappers.set(stage, found);
  return found;
}
