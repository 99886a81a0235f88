import type { Pattern } from "../pattern.ts";
import type { Step } from "./compile.ts";
import { beginReading, goOnReading, type Reading } from "./letters.ts";
import { OctetSet } from "./octet-set.ts";
import { WORD } from "./octets.ts";

/** Places in a program that have been reached together. */
interface State {
  readonly places: readonly number[];
  /** Places at which a character beyond ASCII is being read. */
  readonly readers: readonly number[];
  readonly reading: Reading | null;
  readonly atBegin: boolean;
  /** Whether a letter, digit or underscore was the last; false in programs that do not ask. */
  readonly behindWord: boolean;
  /** Whether a place asks for what comes next before it goes on. */
  readonly asks: boolean;
  readonly accepts: boolean;
  /** By class of octets; undefined until it is asked for. */
  readonly next: (State | undefined)[];
}

/** What is known of the text around a place. */
interface Around {
  readonly atBegin: boolean;
  readonly atEnd: boolean;
  /** Whether a word begins or ends here; null: not known yet. */
  readonly boundary: boolean | null;
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
  const hasBoundaries = steps.some(({ kind }) => kind === "boundary");
  const states = new Map<string, State>();
  const marks = new Uint8Array(steps.length);

  /** Follows what needs no octet; gives the places that need one, or need to know more. */
  const follow = (from: readonly number[], around: Around) => {
    marks.fill(0);
    const stack = [...from];
    const places: number[] = [];
    let matched = false;
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
          if (around.atBegin) stack.push(place + 1);
          break;
        case "end":
          if (around.atEnd) stack.push(place + 1);
          else places.push(place);
          break;
        case "boundary":
          if (around.boundary === null) places.push(place);
          else if (around.boundary === step.wanted) stack.push(place + 1);
          break;
        case "match":
          matched = true;
          break;
        case "octet":
        case "letter":
          places.push(place);
      }
    }
    return { places, matched };
  };
  const isKind = (kind: Step["kind"]) => (place: number): boolean =>
    steps[place]?.kind === kind;

  const enter = (
    from: readonly number[],
    { atBegin, behindWord, readers, reading }: Pick<
      State,
      "atBegin" | "behindWord" | "readers" | "reading"
    >,
  ): State => {
    const open = follow(from, { atBegin, atEnd: false, boundary: null });
    const asks = open.places.some(isKind("boundary"));
    const accepts = open.matched ||
      (asks || open.places.some(isKind("end"))) &&
        // No word goes on behind the end.
        follow(from, { atBegin, atEnd: true, boundary: behindWord }).matched;
    const places = open.places.filter((place) => !isKind("end")(place))
      .sort((a, b) => a - b);
    const { code = 0, left = 0 } = reading ?? {};
    const key = [accepts, atBegin, behindWord, places, readers, code, left]
      .join(";");
    let state = states.get(key);
    if (state === undefined) {
      if (states.size >= MAX_STATES) forget();
      const next = new Array(octetOf.length);
      state = {
        ...{ places, readers, reading, atBegin, behindWord },
        ...{ asks, accepts, next },
      };
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
    const isWord = hasBoundaries && WORD.has(octet);
    const boundary = state.behindWord !== isWord;
    const { atBegin } = state;
    const places = state.asks
      ? follow(state.places, { atBegin, atEnd: false, boundary }).places
      : state.places;
    const reached: number[] = [];
    let readers: number[] = [];
    for (const place of places) {
      const at = steps[place];
      if (at?.kind === "octet") {
        if (at.set.has(octet)) reached.push(place + 1);
      } else if (at?.kind === "letter") {
        if (octet >= 0x80) readers.push(place);
        else if (at.has(octet)) reached.push(place + 1);
      }
    }
    let reading = readers.length > 0 ? beginReading(octet) : null;
    if (state.reading !== null) {
      // Characters do not begin within one another: nobody else is reading now.
      const read = goOnReading(state.reading, octet);
      if (read !== null && read.left > 0) {
        reading = read;
        readers = [...state.readers];
      } else if (read !== null) {
        for (const place of state.readers) {
          const at = steps[place];
          if (at?.kind === "letter" && at.has(read.code)) {
            reached.push(place + 1);
          }
        }
      }
    }
    if (reading === null) readers = [];
    return state.next[kind] = enter(reached, {
      ...{ atBegin: false, behindWord: isWord, readers, reading },
    });
  };

  const start = enter([0], {
    ...{ atBegin: true, behindWord: false, readers: [], reading: null },
  });
  return {
    matches(bytes, from, to) {
      let state = start;
      for (let at = from; at < to; at++) {
        const kind = classOf[bytes[at] ?? 0] ?? 0;
        state = state.next[kind] ?? step(state, kind);
        if (isOver(state)) return false;
      }
      return state.accepts;
    },
  };
}

function isOver({ places, readers, accepts }: State): boolean {
  return places.length === 0 && readers.length === 0 && !accepts;
}

/** Octets that no step tells apart are one class; `octetOf` has one octet of each. */
function classify(
  steps: readonly Step[],
): { readonly classOf: Uint8Array; readonly octetOf: readonly number[] } {
  const sets = new Map<string, OctetSet>();
  const add = (set: OctetSet) => void sets.set(set.words.join(), set);
  for (const step of steps) {
    if (step.kind === "octet") add(step.set);
    else if (step.kind === "boundary") add(WORD);
    // Characters are made of octets that all differ.
    else if (step.kind === "letter") EACH_BIT.forEach(add);
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

/** For each bit the octets that have it: together they tell all octets apart. */
const EACH_BIT: readonly OctetSet[] = Array.from({ length: 8 }, (_, bit) => {
  const set = new OctetSet();
  for (let octet = 0; octet < 256; octet++) {
    if ((octet >> bit & 1) === 1) set.add(octet, octet);
  }
  return set;
});
