import type { KubeObject } from "../../schemas/kube.ts";
import { closeManifest } from "../../schemas/kube/close.ts";
import { parseManifest } from "../../schemas/kube/manifest.ts";
import { describe } from "../../schemas/problem.ts";
import type { Standing } from "../conditions.ts";
import type { Log } from "../log.ts";
import type { Emit, ObjectEvent } from "../source.ts";
import type { ApiServer } from "./in-cluster.ts";
import { type Change, reflect } from "./reflect.ts";
import { nameOf, type Resource, RESOURCES } from "./resources.ts";
import {
  contentOf,
  hasStatus,
  standingOf,
  type Standings,
} from "./standings.ts";
import { createTrim } from "./trim.ts";

export interface KubeOptions {
  readonly server: ApiServer;
  readonly emit: Emit;
  readonly log: Log;
  /** Told of the objects whose status is written; none when nobody writes it. */
  readonly standings?: Standings;
  /** Ends all watching. */
  readonly signal: AbortSignal;
  /** Kinds to read; all that the mesh reads when it is not said. */
  readonly resources?: readonly Resource[];
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
  const { resources = RESOURCES } = options;
  const stores = resources.map((resource) => follow(resource, options));
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
  { server, emit, log, standings, signal }: KubeOptions,
) {
  const { kind } = resource;
  const isWritten = standings !== undefined && hasStatus(resource);
  const trim = createTrim();
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
    read: (value) => read(value, trim, isWritten ? resource : null),
    onList: (items) => {
      const gone = new Map(known);
      const events: ObjectEvent[] = [];
      broken.clear();
      for (const item of items) {
        gone.delete(item.key);
        events.push(...apply(item));
      }
      for (const [key, object] of gone) {
        known.delete(key);
        events.push({ kind: "delete", object });
      }
      if (events.length > 0) emit(events);
      if (isWritten) standings?.list(resource, items.flatMap(standingsIn));
      first.resolve();
    },
    onChanges: (changes) => {
      const events = changes.flatMap(take);
      if (events.length > 0) emit(events);
      for (const { type, item } of changes) {
        for (const standing of standingsIn(item)) {
          if (type === "DELETED") standings?.remove(standing.path);
          else standings?.put(standing);
        }
      }
    },
    onTrouble: (what) => {
      if (what === trouble) return;
      if (what === undefined) {
        log.info("watching again", { stage: "kube", kind });
      } else log.warn(what, { stage: "kube", kind });
      trouble = what;
    },
  });

  function take({ type, item }: Change<Item>): readonly ObjectEvent[] {
    if (type !== "DELETED") return apply(item);
    broken.delete(item.key);
    return forget(item.key);
  }

  function forget(key: string): readonly ObjectEvent[] {
    const last = known.get(key);
    known.delete(key);
    return last === undefined ? [] : [{ kind: "delete", object: last }];
  }

  /** An object that cannot be used leaves what was known of it in force; of one not known, what denies is kept. */
  function apply({ key, object, mistake }: Item): readonly ObjectEvent[] {
    if (mistake === undefined) {
      broken.delete(key);
      if (object === null) return forget(key);
    } else {
      if (broken.get(key) !== mistake) {
        log.warn(mistake, { stage: "kube", kind, object: key });
      }
      broken.set(key, mistake);
      if (object === null || known.has(key)) return [];
    }
    known.set(key, object);
    return [{ kind: "apply", object }];
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

/** What is kept of an object. */
interface Item {
  readonly key: string;
  /** Null: the mesh has no use for it; with a mistake, nothing of it holds. */
  readonly object: KubeObject | null;
  /** Why it cannot be used as it is; `object` is then what holds of it all the same. */
  readonly mistake?: string;
  /** Of kinds whose status is written. */
  readonly standing?: Standing;
}

function standingsIn({ standing }: Item): readonly Standing[] {
  return standing === undefined ? [] : [standing];
}

type Trim = ReturnType<typeof createTrim>;

/** Reads an object as it was served; of one whose status is written, `written` is what it is one of. */
function read(value: unknown, trim: Trim, written: Resource | null): Item {
  const item = readObject(value, trim);
  if (written === null) return item;
  const content = contentOf(value, item.object, item.mistake);
  return { ...item, standing: standingOf(value, written, content) };
}

function readObject(value: unknown, trim: Trim): Item {
  const key = keyOf(value);
  try {
    const reading = parseManifest(value);
    return {
      key,
      object: reading.kind === "object" ? trim(reading.object) : null,
    };
  } catch (error) {
    return { key, object: closeManifest(value), mistake: describe(error) };
  }
}

function keyOf(object: unknown): string {
  const { name, namespace = "" } = (object as {
    readonly metadata: { readonly name: string; readonly namespace?: string };
  }).metadata;
  return `${namespace}/${name}`;
}
