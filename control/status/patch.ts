import type {
  Condition,
  ParentConditions,
  Standing,
  Verdict,
} from "../conditions.ts";

/** Who writes our entries, as Linkerd's; others' are left as they are. */
export const CONTROLLER = "linkerd.io/policy-controller";

/**
 * A merge patch that makes an object's status say the verdict; null when it does already. It holds for the version that
 * was seen: what somebody else wrote meanwhile makes it a conflict, not a loss.
 */
export function patchOf(
  standing: Standing,
  verdict: Verdict,
  now: Date,
): object | null {
  const status = verdict.kind === "parents"
    ? parentsPatch(standing, verdict.parents, now)
    : conditionsPatch(standing, verdict, now);
  if (status === null) return null;
  const { resourceVersion } = standing;
  return { metadata: { resourceVersion }, status };
}

/** `metav1.Condition`. */
interface Written {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

interface Entry {
  readonly parentRef: unknown;
  readonly controllerName: string;
  readonly conditions?: readonly Written[];
}

function parentsPatch(
  { status, generation }: Standing,
  wanted: readonly ParentConditions[],
  now: Date,
): object | null {
  const { parents = [] } = (status ?? {}) as { parents?: readonly Entry[] };
  const isOurs = (one: Entry) => one.controllerName === CONTROLLER;
  const before = parents.filter(isOurs);
  const ours = wanted.map(({ parentRef, conditions }): Entry => {
    const last = before.find((one) => Bun.deepEquals(one.parentRef, parentRef));
    return {
      parentRef,
      controllerName: CONTROLLER,
      conditions: write(conditions, last?.conditions ?? [], generation, now),
    };
  });
  if (Bun.deepEquals(before, ours)) return null;
  return { parents: [...parents.filter((one) => !isOurs(one)), ...ours] };
}

function conditionsPatch(
  { status, generation }: Standing,
  { conditions, targetRef }: Verdict & { readonly kind: "conditions" },
  now: Date,
): object | null {
  const before = (status ?? {}) as {
    readonly conditions?: readonly Written[];
    readonly targetRef?: unknown;
  };
  const known = before.conditions ?? [];
  const types = new Set<string>(conditions.map(({ type }) => type));
  const ours = write(conditions, known, generation, now);
  const isSaid = Bun.deepEquals(
    known.filter((one) => types.has(one.type)),
    ours,
  );
  const isAbout = targetRef === null ||
    Bun.deepEquals(before.targetRef, targetRef);
  if (isSaid && isAbout) return null;
  return {
    conditions: [...known.filter((one) => !types.has(one.type)), ...ours],
    ...targetRef === null ? {} : { targetRef },
  };
}

/** The longest message that the API server takes. */
const MESSAGE_MAX_CHARS = 32_768;

/** The time of a condition is that of its last change between true and false. */
function write(
  conditions: readonly Condition[],
  before: readonly Written[],
  generation: number,
  now: Date,
): Written[] {
  return conditions.map(({ type, isTrue, reason, message }) => {
    const status = isTrue ? "True" : "False";
    const last = before.find((one) => one.type === type);
    return {
      type,
      status,
      reason,
      message: message.slice(0, MESSAGE_MAX_CHARS),
      observedGeneration: generation,
      lastTransitionTime: last?.status === status
        ? last.lastTransitionTime
        : now.toISOString().replace(/\.\d+Z$/, "Z"),
    };
  });
}
