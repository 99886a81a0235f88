import type { Operation } from "./patch.ts";
import { type Fields, isFields } from "./workload.ts";

/** The object after a patch; parts that do not change are shared with the input. Throws when a path leads nowhere. */
export function applyPatch(
  object: Fields,
  operations: readonly Operation[],
): Fields {
  return operations.reduce<Fields>(
    (done, { path, value }) =>
      addAt(
        done,
        path.split("/").slice(1).map(unescape),
        value,
        path,
      ) as Fields,
    object,
  );
}

function addAt(
  at: unknown,
  [step, ...rest]: readonly string[],
  value: unknown,
  path: string,
): unknown {
  if (step === undefined) return value;
  if (Array.isArray(at)) {
    const index = step === "-" ? at.length : Number(step);
    return rest.length === 0
      ? at.toSpliced(index, 0, value)
      : at.with(index, addAt(at[index], rest, value, path));
  }
  if (!isFields(at)) {
    throw new RangeError(`Cannot patch ${path}: no such place`);
  }
  return { ...at, [step]: addAt(at[step], rest, value, path) };
}

function unescape(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
