import {
  closeManifest,
  type KubeObject,
  parseManifest,
  type Reading,
} from "../../schemas/kube.ts";
import { describe } from "../../schemas/problem.ts";
import type { Log } from "../log.ts";
import type { Emit, ObjectEvent } from "../source.ts";
import type { ApiServer } from "./in-cluster.ts";
import { type Change, reflect } from "./reflect.ts";
import { nameOf, type Resource, RESOURCES } from "./resources.ts";

export interface KubeOptions {
  readonly server: ApiServer;
  readonly emit: Emit;
  readonly log: Log;
  /** Ends all watching. */
  readonly signal: AbortSignal;
}

/** A cluster's API server as the source of the world. */
export interface KubeSource {
  /** Resolves when every kind has been read once; rejects only with the signal. */
  readonly synced: Promise<void>;
  /** Objects known of each kind, as `servers.policy.linkerd.io` or `pods`. */
  readonly sizes: () => Readonly<Record<string, number>>;
  /** What cannot be read now, and objects that cannot be used as they are. */
  readonly problems: () => readonly string[];
}

/** Lists and watches every kind that the mesh reads, and emits what is there and what changes. */
export function openKubeSource(options: KubeOptions): KubeSource {
  const stores = RESOURCES.map((resource) => follow(resource, options));
  const synced = Promise.all(stores.map((store) => store.synced))
    .then(() => {});
  // Whoever opened the source may have stopped waiting.
  synced.catch(() => {});
  return {
    synced,
    sizes: () =>
      Object.fromEntries(
        stores.map(({ name, size }) => [name, size()]),
      ),
    problems: () => stores.flatMap((store) => store.problems()),
  };
}

/** One kind: the objects of it that are in use, so that a new list says what has gone. */
function follow(
  resource: Resource,
  { server, emit, log, signal }: KubeOptions,
) {
  const { kind } = resource;
  const known = new Map<string, KubeObject>();
  const broken = new Map<string, string>();
  let trouble: string | undefined;
  const first = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => first.reject(signal.reason), {
    once: true,
  });
  void reflect({
    server,
    resource,
    signal,
    onList: (objects) => {
      const gone = new Map(known);
      const events: ObjectEvent[] = [];
      broken.clear();
      for (const object of objects) {
        gone.delete(keyOf(object));
        events.push(...apply(object));
      }
      for (const [key, object] of gone) {
        known.delete(key);
        events.push({ kind: "delete", object });
      }
      if (events.length > 0) emit(events);
      first.resolve();
    },
    onChanges: (changes) => {
      const events = changes.flatMap(take);
      if (events.length > 0) emit(events);
    },
    onTrouble: (what) => {
      if (what === trouble) return;
      if (what === undefined) {
        log.info("watching again", { stage: "kube", kind });
      } else log.warn(what, { stage: "kube", kind });
      trouble = what;
    },
  });

  function take({ type, object }: Change): readonly ObjectEvent[] {
    if (type !== "DELETED") return apply(object);
    const key = keyOf(object);
    broken.delete(key);
    const last = known.get(key);
    known.delete(key);
    return last === undefined ? [] : [{ kind: "delete", object: last }];
  }

  /** An object that cannot be used leaves what was known of it in force; of one not known, what denies is kept. */
  function apply(value: unknown): readonly ObjectEvent[] {
    const key = keyOf(value);
    let reading: Reading;
    try {
      reading = parseManifest(value);
    } catch (error) {
      const message = describe(error);
      if (broken.get(key) !== message) {
        log.warn(message, { stage: "kube", kind, object: key });
      }
      broken.set(key, message);
      const closed = known.has(key) ? null : closeManifest(value);
      if (closed === null) return [];
      known.set(key, closed);
      return [{ kind: "apply", object: closed }];
    }
    broken.delete(key);
    if (reading.kind !== "object") return [];
    known.set(key, reading.object);
    return [{ kind: "apply", object: reading.object }];
  }

  return {
    name: nameOf(resource),
    synced: first.promise,
    size: () => known.size,
    problems: () => [
      ...(trouble === undefined ? [] : [trouble]),
      ...broken.values(),
    ],
  };
}

function keyOf(object: unknown): string {
  const { name, namespace = "" } = (object as {
    readonly metadata: { readonly name: string; readonly namespace?: string };
  }).metadata;
  return `${namespace}/${name}`;
}
