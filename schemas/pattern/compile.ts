import { Problem } from "../problem.ts";
import type { Letters } from "./letters.ts";
import type { OctetSet } from "./octet-set.ts";
import type { Node } from "./parse.ts";

/** One step of a program. */
export type Step =
  | { readonly kind: "octet"; readonly set: OctetSet }
  /** A whole character, of one to four octets. */
  | { readonly kind: "letter"; readonly has: Letters }
  /** Where a word begins or ends, or `wanted` false: where none does. */
  | { readonly kind: "boundary"; readonly wanted: boolean }
  /** Goes on in two places. */
  | { readonly kind: "split"; a: number; b: number }
  | { readonly kind: "jump"; to: number }
  | { readonly kind: "begin" | "end" | "match" };

/**
 * Most steps of a program. The worst text costs as many operations for each of its octets, so 8 KB of path take 10 ms;
 * `[a-z]{1000}` is still taken.
 */
const MAX_STEPS = 1_100;

/** Turns an expression into steps (Thompson's construction): all ways of matching are followed side by side. */
export function compilePattern(node: Node): readonly Step[] {
  const steps: Step[] = [];
  emit(node, steps);
  push(steps, { kind: "match" });
  return steps;
}

function push<S extends Step>(steps: Step[], step: S): S {
  if (steps.length >= MAX_STEPS) {
    throw new Problem(
      "protocol.invalid",
      `Cannot use a pattern of more than ${MAX_STEPS} steps`,
      { hint: "repeat less in it" },
    );
  }
  steps.push(step);
  return step;
}

function emit(node: Node, steps: Step[]): void {
  switch (node.kind) {
    case "set":
      return void push(steps, { kind: "octet", set: node.set });
    case "letter":
    case "boundary":
      return void push(steps, node);
    case "begin":
    case "end":
      return void push(steps, { kind: node.kind });
    case "concat":
      for (const part of node.parts) emit(part, steps);
      return;
    case "either":
      return emitEither(node.parts, steps);
    case "repeat":
      return emitRepeat(node.part, node.min, node.max, steps);
  }
}

function emitEither(parts: readonly Node[], steps: Step[]): void {
  const jumps: { to: number }[] = [];
  for (const [at, part] of parts.entries()) {
    if (at === parts.length - 1) {
      emit(part, steps);
      break;
    }
    const split = push(steps, { kind: "split", a: steps.length + 1, b: 0 });
    emit(part, steps);
    jumps.push(push(steps, { kind: "jump", to: 0 }));
    split.b = steps.length;
  }
  for (const jump of jumps) jump.to = steps.length;
}

function emitRepeat(
  part: Node,
  min: number,
  max: number,
  steps: Step[],
): void {
  for (let count = 0; count < min; count++) emit(part, steps);
  if (max === Infinity) {
    const split = push(steps, { kind: "split", a: steps.length + 1, b: 0 });
    const again = steps.length - 1;
    emit(part, steps);
    push(steps, { kind: "jump", to: again });
    split.b = steps.length;
    return;
  }
  const splits: { b: number }[] = [];
  for (let count = min; count < max; count++) {
    splits.push(push(steps, { kind: "split", a: steps.length + 1, b: 0 }));
    emit(part, steps);
  }
  for (const split of splits) split.b = steps.length;
}
