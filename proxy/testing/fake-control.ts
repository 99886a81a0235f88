import { formatAddress } from "../../schemas/address.ts";
import type { EndpointSet, Profile } from "../../schemas/destination.ts";
import type { ClientPolicy } from "../../schemas/client-policy.ts";
import type { ServerPolicy } from "../../schemas/policy.ts";
import type { Control } from "../control.ts";
import type { Observer } from "../control/questions.ts";
import type { Watch } from "../control/watch.ts";

/** Everything of one kind that was ever watched, by name: what the test says of it, and which watches are open. */
export class FakeWatches<K, T> {
  /** Names of the watches that are open. */
  readonly open: K[] = [];
  /** Names in the order in which they were watched. */
  readonly asked: K[] = [];
  private readonly observers = new Map<K, Set<Observer<T>>>();

  watch(name: K, observer: Observer<T>): Watch {
    this.asked.push(name);
    this.open.push(name);
    const observers = this.observers.get(name) ?? new Set();
    this.observers.set(name, observers.add(observer));
    return {
      close: () => {
        if (!observers.delete(observer)) return;
        this.open.splice(this.open.indexOf(name), 1);
      },
    };
  }

  next(name: K, snapshot: T): void {
    for (const observer of this.observers.get(name) ?? []) {
      observer.next(snapshot);
    }
  }

  refuse(name: K): void {
    for (const observer of this.observers.get(name) ?? []) {
      observer.refused("not found");
    }
  }
}

/** A control plane that says what the test says. */
export class FakeControl implements Control {
  readonly endpoints = new FakeWatches<string, EndpointSet>();
  readonly profiles = new FakeWatches<string, Profile>();
  readonly clientPolicies = new FakeWatches<string, ClientPolicy>();
  readonly serverPolicies = new FakeWatches<number, ServerPolicy>();

  watchEndpoints(path: string, observer: Observer<EndpointSet>): Watch {
    return this.endpoints.watch(path, observer);
  }

  watchProfile(path: string, observer: Observer<Profile>): Watch {
    return this.profiles.watch(path, observer);
  }

  watchClientPolicy(
    target: Parameters<Control["watchClientPolicy"]>[0],
    observer: Observer<ClientPolicy>,
  ): Watch {
    const name = typeof target === "string" ? target : formatAddress(target);
    return this.clientPolicies.watch(name, observer);
  }

  watchServerPolicy(port: number, observer: Observer<ServerPolicy>): Watch {
    return this.serverPolicies.watch(port, observer);
  }

  close(): void {}
}
