import type { ServerPolicy } from "../../schemas/policy.ts";
import type { Control } from "../control.ts";
import type { Habits } from "../detect/either-side.ts";

/** A port of the pod and who may call it. */
export interface Port {
  readonly number: number;
  /** The control plane's policy, or the default one until the first answer. */
  readonly policy: ServerPolicy;
  readonly habits: Habits;
  /** Hears every change of `policy`; the function returned ends that. */
  subscribe(call: () => void): () => void;
  release(): void;
}

export interface PortsOptions {
  readonly control: Control;
  /** Ports watched for as long as the proxy runs. */
  readonly permanent: readonly number[];
  /** How long the policy of another port is kept when nothing uses it. */
  readonly idleMs: number;
  readonly defaultPolicy: (port: number) => ServerPolicy;
}

/** Follows the policies of the ports in use. A port has a policy at once: enforcement never waits (facts 5.4). */
export function createPorts(
  options: PortsOptions,
): { take(port: number): Port } {
  const entries = new Map<
    number,
    { readonly port: Port; users: number; idle?: ReturnType<typeof setTimeout> }
  >();
  const take = (number: number): Port => {
    let entry = entries.get(number);
    if (entry === undefined) {
      entry = { port: open(number), users: 0 };
      entries.set(number, entry);
    }
    clearTimeout(entry.idle);
    entry.users += 1;
    return entry.port;
  };
  const open = (number: number): Port => {
    let policy = options.defaultPolicy(number);
    const subscribers = new Set<() => void>();
    const watch = options.control.watchServerPolicy(number, {
      next(snapshot) {
        policy = snapshot;
        for (const call of subscribers) call();
      },
      refused() {}, // The policy in force stays.
    });
    return {
      number,
      get policy() {
        return policy;
      },
      habits: { speaksFirst: false, speaksHttp: false },
      subscribe(call) {
        subscribers.add(call);
        return () => void subscribers.delete(call);
      },
      release() {
        const entry = entries.get(number);
        if (entry === undefined || --entry.users > 0) return;
        entry.idle = setTimeout(() => {
          entries.delete(number);
          watch.close();
        }, options.idleMs);
      },
    };
  };
  for (const number of options.permanent) take(number);
  return { take };
}
