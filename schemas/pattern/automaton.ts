import type { Pattern } from "../pattern.ts";
import type { Step } from "./compile.ts";
import { OctetSet } from "./octet-set.ts";

/** Places in a program that have been reached together. */
interface State {
  readonly places: readonly number[];
  readonly accepts: boolean;
  /** By class of octets; undefined until it is asked for. */
  readonly next: (State | undefined)[];
}

/** States kept per pattern, about 200 bytes each; patterns in use need a dozen. More of them, and all are forgotten. */
const MAX_STATES = 128;

/**
 * Runs a program on text: each octet leads from one set of places to the next, and sets met before are remembered
 * (a deterministic automaton that is built as it is needed). Time is linear in the text, whatever the pattern.
 */
export function createAutomaton(
  steps: readonly Step[],
): Pick<Pattern, "matches"> {
  const { classOf, octetOf } = classify(steps);
  const states = new Map<string, State>();
  const marks = new Uint8Array(steps.length);

  const close = (from: readonly number[], atBegin: boolean): State => {
    marks.fill(0);
    const pending = [...from];
    let accepts = false;
    const places: number[] = [];
    // Behind an `end` only the end of the text may follow: what is found there decides on acceptance alone.
    const follow = (stack: number[], atEnd: boolean): void => {
      for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
        const step = steps[place];
        if (step === undefined || marks[place] === 1) continue;
        marks[place] = 1;
        switch (step.kind) {
          case "split":
            stack.push(step.b, step.a);
            break;
          case "jump":
            stack.push(step.to);
            break;
          case "begin":
            if (atBegin) stack.push(place + 1);
            break;
          case "end":
            ends.push(place + 1);
            break;
          case "match":
            accepts = true;
            break;
          case "octet":
            if (!atEnd) places.push(place);
        }
      }
    };
    const ends: number[] = [];
    follow(pending, false);
    while (ends.length > 0) follow(ends.splice(0), true);
    places.sort((a, b) => a - b);
    return remember(places, accepts);
  };

  const remember = (places: readonly number[], accepts: boolean): State => {
    const key = `${accepts ? "+" : "-"}${places.join()}`;
    let state = states.get(key);
    if (state === undefined) {
      if (states.size >= MAX_STATES) forget();
      state = { places, accepts, next: new Array(octetOf.length) };
      states.set(key, state);
    }
    return state;
  };
  const forget = (): void => {
    for (const { next } of states.values()) next.fill(undefined);
    states.clear();
  };

  const step = (state: State, kind: number): State => {
    const octet = octetOf[kind] ?? 0;
    const reached: number[] = [];
    for (const place of state.places) {
      const at = steps[place];
      if (at?.kind === "octet" && at.set.has(octet)) reached.push(place + 1);
    }
    return state.next[kind] = close(reached, false);
  };

  const start = close([0], true);
  return {
    matches(bytes, from, to) {
      let state = start;
      for (let at = from; at < to; at++) {
        const kind = classOf[bytes[at] ?? 0] ?? 0;
        state = state.next[kind] ?? step(state, kind);
        if (state.places.length === 0 && !state.accepts) return false;
      }
      return state.accepts;
    },
  };
}

/** Octets that no step tells apart are one class; `octetOf` has one octet of each. */
function classify(
  steps: readonly Step[],
): { readonly classOf: Uint8Array; readonly octetOf: readonly number[] } {
  const sets = new Map<string, OctetSet>();
  for (const step of steps) {
    if (step.kind === "octet") sets.set(step.set.words.join(), step.set);
  }
  const distinct = [...sets.values()];
  const classes = new Map<string, number>();
  const classOf = new Uint8Array(256);
  const octetOf: number[] = [];
  for (let octet = 0; octet < 256; octet++) {
    const key = distinct.map((set) => set.has(octet) ? "1" : "0").join("");
    let kind = classes.get(key);
    if (kind === undefined) {
      kind = octetOf.length;
      classes.set(key, kind);
      octetOf.push(octet);
    }
    classOf[octet] = kind;
  }
  return { classOf, octetOf };
}
