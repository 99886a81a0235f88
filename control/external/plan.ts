import type { SliceObject } from "./objects.ts";
import { groupKey } from "./slices.ts";

/** What is to be done so that there are the slices that are wanted. */
export interface Plan {
  readonly create: readonly SliceObject[];
  /** Each with the name and version of the slice that it replaces. */
  readonly replace: readonly SliceObject[];
  readonly remove: readonly SliceObject[];
}

/** Slices that are there are kept as far as they can be: who watches them then hears of what changed and no more. */
export function planSlices(
  wanted: readonly SliceObject[],
  there: readonly SliceObject[],
): Plan {
  const left = [...there];
  const take = (matches: (slice: SliceObject) => boolean) => {
    const at = left.findIndex(matches);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  const changed = wanted.filter((slice) =>
    take((one) => isSame(one, slice)) === undefined
  );
  const create: SliceObject[] = [];
  const replace: SliceObject[] = [];
  for (const slice of changed) {
    const old = take((one) => groupKey(one) === groupKey(slice));
    if (old === undefined) create.push(slice);
    else {
      const { name = "", resourceVersion = "" } = old.metadata;
      const metadata = { ...slice.metadata, name, resourceVersion };
      replace.push({ ...slice, metadata });
    }
  }
  return { create, replace, remove: left };
}

function isSame(there: SliceObject, wanted: SliceObject): boolean {
  const { endpoints = [], metadata } = there;
  return groupKey(there) === groupKey(wanted) &&
    Bun.deepEquals(endpoints, wanted.endpoints) &&
    Bun.deepEquals(metadata.labels, wanted.metadata.labels);
}
