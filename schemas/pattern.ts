import { createAutomaton } from "./pattern/automaton.ts";
import { compilePattern } from "./pattern/compile.ts";
import { leadOf } from "./pattern/lead.ts";
import { parsePattern } from "./pattern/parse.ts";

/** A regular expression that must match the whole of a text; made by `createPattern`. */
export interface Pattern {
  /** Whether the octets from `start` to `end` match, in time proportional to their number. */
  matches(bytes: Uint8Array, start: number, end: number): boolean;
  /** Octets that every text begins with that matches; often none. */
  readonly lead: Uint8Array;
}

/**
 * Makes an expression in the syntax of RE2 ready to match; throws `protocol.invalid` when it uses what is not supported
 * (decision 104). JavaScript's own engine goes back and forth: `(a+)+$` and 40 octets stop it for hours.
 */
export function createPattern(text: string): Pattern {
  const node = parsePattern(text);
  const steps = compilePattern(node);
  // Made when a text first asks for it: three quarters of the work, and of a thousand patterns few are asked.
  let matches: Pattern["matches"] | null = null;
  return {
    matches(bytes, start, end) {
      matches ??= createAutomaton(steps).matches;
      return matches(bytes, start, end);
    },
    lead: Uint8Array.from(leadOf(node).octets),
  };
}
