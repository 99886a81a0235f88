import type { SocketAddress } from "../../schemas/address.ts";
import type { ClientPolicy } from "../../schemas/client-policy.ts";
import type { Problem } from "../../schemas/problem.ts";
import type { Habits } from "../detect/either-side.ts";
import type { Way } from "../direction.ts";
import {
  type Destination,
  type DiscoverOptions,
  formatDestination,
  watchTarget,
} from "../discover.ts";
import type { Upstream } from "../endpoint.ts";
import type { RequestHead } from "../http/message.ts";
import type { OpenBackend } from "./backends.ts";
import { createLiveRoutes, type LiveRoutesOptions } from "./live-routes.ts";
import { type TargetRecorder, UNDIALLED } from "./target-recorder.ts";
import type { TcpWay } from "./tcp-routes.ts";

/** What applications dial, or an ingress names, with the live routes of its policy. */
export interface Target {
  /** `ip:port` or `name:port`. */
  readonly name: string;
  /** Which way a request takes under the policy in force; a Problem when it has none. */
  route(head: RequestHead): Way | Problem;
  /** Which way a connection takes that is not parsed; by server name when it is TLS that is passed on. */
  routeTcp(sni: string | null): TcpWay;
  /** The policy in force; null while none is known. */
  readonly policy: ClientPolicy | null;
  /** Whether it has a profile, as all Services have and other names have not. */
  readonly profiled: boolean;
  /** Calls back with the first policy; the function returned ends the wait. */
  ready(call: (policy: ClientPolicy) => void): () => void;
  readonly habits: Habits;
  readonly recorder: TargetRecorder;
  /** Must be called once by everybody who has taken the target. */
  release(): void;
}

/** What a target is looked up with, and opens its backends with. */
export interface TargetOptions extends Omit<LiveRoutesOptions, "openHttp"> {
  readonly discover: DiscoverOptions;
  /** `dialled`: for an address that an application dials, not for a name. */
  readonly openHttp: (
    ...of: [...Parameters<OpenBackend<Upstream>>, dialled: boolean]
  ) => ReturnType<OpenBackend<Upstream>>;
  readonly record: (address: SocketAddress) => TargetRecorder;
}

/** Looks a target up and follows its policy until it is closed. `release`: what the target's does. */
export function openTarget(
  destination: Destination,
  options: TargetOptions,
  release: () => void,
): { readonly target: Target; close(): void } {
  const dialled = typeof destination !== "string";
  const recorder = dialled ? options.record(destination) : UNDIALLED;
  const routes = createLiveRoutes({
    ...options,
    openHttp: (backend, accrual, parent) =>
      options.openHttp(backend, accrual, parent, dialled),
  });
  let policy: ClientPolicy | null = null;
  let profiled = false;
  const waiting = new Set<(policy: ClientPolicy) => void>();
  const watch = watchTarget(
    destination,
    options.discover,
    (next, profile, known) => {
      policy = next;
      profiled = known;
      recorder.follow(next);
      routes.follow(next, profile);
      const calls = [...waiting];
      waiting.clear();
      for (const call of calls) call(next);
    },
  );
  return {
    target: {
      name: formatDestination(destination),
      route: routes.find,
      routeTcp: routes.findTcp,
      get policy() {
        return policy;
      },
      get profiled() {
        return profiled;
      },
      ready(call) {
        waiting.add(call);
        return () => void waiting.delete(call);
      },
      habits: { speaksFirst: false, speaksHttp: false },
      recorder,
      release,
    },
    close() {
      watch.close();
      routes.close();
      recorder.release();
    },
  };
}
