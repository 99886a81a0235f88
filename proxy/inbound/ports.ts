import type { ServerPolicy } from "../../schemas/policy.ts";
import type { Control } from "../control.ts";
import type { Watch } from "../control/watch.ts";
import type { Habits } from "../detect/either-side.ts";
import { enforce, type Enforcement } from "../policy/enforcement.ts";

/** A port of the pod and who may call it. */
export interface Port {
  readonly number: number;
  /** The control plane's policy, or the default one until the first answer. */
  readonly policy: ServerPolicy;
  /** The same, ready to judge requests; another object whenever the policy is another. */
  readonly enforcement: Enforcement;
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

interface Entry {
  readonly port: Port;
  readonly watch: Watch;
  users: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Ports that nobody uses and that are watched all the same, each with a stream at the policy controller. A pod has a
 * handful; whoever asks for more is scanning.
 */
const MAX_IDLE = 256;

/** Follows the policies of the ports in use. A port has a policy at once: enforcement never waits (facts 5.4). */
export function createPorts(
  options: PortsOptions,
): { take(port: number): Port } {
  const entries = new Map<number, Entry>();
  /** Of those the ones that nobody uses, the longest idle first. */
  const idle = new Set<Entry>();

  const take = (number: number): Port => {
    let entry = entries.get(number);
    if (entry === undefined) {
      entry = open(number);
      entries.set(number, entry);
    }
    if (entry.users === 0) stopIdling(entry);
    entry.users += 1;
    return entry.port;
  };
  const stopIdling = (entry: Entry) => {
    clearTimeout(entry.timer);
    idle.delete(entry);
  };
  const forget = (entry: Entry) => {
    stopIdling(entry);
    entries.delete(entry.port.number);
    entry.watch.close();
  };
  const release = (entry: Entry) => {
    if (--entry.users > 0) return;
    const [longest] = idle;
    if (idle.size >= MAX_IDLE && longest !== undefined) forget(longest);
    idle.add(entry);
    entry.timer = setTimeout(() => forget(entry), options.idleMs);
  };
  const open = (number: number): Entry => {
    let enforcement = enforce(options.defaultPolicy(number), null);
    const subscribers = new Set<() => void>();
    const watch = options.control.watchServerPolicy(number, {
      next(snapshot) {
        enforcement = enforce(snapshot, enforcement);
        for (const call of [...subscribers]) call();
      },
      refused() {}, // The policy in force stays.
    });
    const port: Port = {
      number,
      get policy() {
        return enforcement.policy;
      },
      get enforcement() {
        return enforcement;
      },
      habits: { speaksFirst: false, speaksHttp: false },
      subscribe(call) {
        subscribers.add(call);
        return () => void subscribers.delete(call);
      },
      release: () => release(entry),
    };
    const entry: Entry = { port, watch, users: 0, timer: undefined };
    return entry;
  };
  for (const number of options.permanent) take(number);
  return { take };
}
