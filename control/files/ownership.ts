import type { KubeObject } from "../../schemas/kube.ts";
import type { ObjectEvent } from "../source.ts";
import { idOfObject, type Located } from "./parse.ts";

/** The same object in several files: the first that had it owns it. */
export interface Conflict {
  readonly id: string;
  readonly owner: Claim;
  readonly other: Claim;
}

export interface Claim {
  readonly file: string;
  readonly line: number;
}

/** Which file an object comes from, and what changed since last asked. */
export interface Ownership {
  /** Says all that a file holds now; nothing when it is gone. */
  readonly set: (file: string, objects: readonly Located[]) => void;
  /** What became of the objects since the last call. */
  readonly settle: () => readonly ObjectEvent[];
  readonly conflicts: () => readonly Conflict[];
  readonly size: () => number;
}

/** Creates an empty ownership; what a file sets costs as much as that file holds and held. */
export function createOwnership(): Ownership {
  /** Claims on each object in the order in which the files came to have it. */
  const claims = new Map<string, Map<string, Located>>();
  const idsOfFile = new Map<string, ReadonlySet<string>>();
  const emitted = new Map<string, { object: KubeObject; text: string }>();
  const contested = new Set<string>();
  let touched = new Set<string>();

  function claim(id: string, file: string, located: Located | undefined): void {
    const files = claims.get(id) ?? new Map<string, Located>();
    claims.set(id, files);
    // Setting anew keeps the place in the order.
    if (located === undefined) files.delete(file);
    else files.set(file, located);
    if (files.size === 0) claims.delete(id);
    if (files.size > 1) contested.add(id);
    else contested.delete(id);
    touched.add(id);
  }

  function settleOne(id: string): ObjectEvent[] {
    const [owner] = claims.get(id)?.values() ?? [];
    const old = emitted.get(id);
    if (owner === undefined) {
      emitted.delete(id);
      return old === undefined ? [] : [{ kind: "delete", object: old.object }];
    }
    const { object } = owner;
    const text = JSON.stringify(object);
    if (old?.text === text) return [];
    emitted.set(id, { object, text });
    return [{ kind: "apply", object }];
  }

  return {
    set: (file, objects) => {
      const ids = new Set(objects.map(({ object }) => idOfObject(object)));
      for (const id of idsOfFile.get(file) ?? []) {
        if (!ids.has(id)) claim(id, file, undefined);
      }
      for (const located of objects) {
        claim(idOfObject(located.object), file, located);
      }
      if (ids.size === 0) idsOfFile.delete(file);
      else idsOfFile.set(file, ids);
    },
    settle: () => {
      const events = [...touched].flatMap(settleOne);
      touched = new Set();
      return events;
    },
    conflicts: () =>
      [...contested].flatMap((id) => {
        const [first, ...others] = claims.get(id) ?? [];
        return first === undefined ? [] : others.map((other) => ({
          id,
          owner: { file: first[0], line: first[1].line },
          other: { file: other[0], line: other[1].line },
        }));
      }),
    size: () => emitted.size,
  };
}
