import type { Given } from "./flags.ts";

/** One flag as a person types it; what is not a `switch` takes a value. */
export interface Flag {
  readonly name: string;
  /** A single letter. */
  readonly short?: string;
  /** `list` may be repeated and takes commas; `repeat` may be repeated and keeps commas, as in `--set a={x,y}`. */
  readonly kind: "switch" | "text" | "list" | "repeat";
  readonly about: string;
  /** What happens without the flag, as help shows it. */
  readonly otherwise?: string;
  /** Understood, but not shown. */
  readonly hidden?: boolean;
  /** The flag to use instead; using this one warns. */
  readonly replacedBy?: string;
}

/** What a command did: all it has to say (but for what it printed on the way), once it is known whether it worked. */
export interface Outcome {
  readonly code: number;
  /** Printed in order. */
  readonly stdout?: readonly string[];
  readonly stderr?: string;
}

/** What a command may know of the machine; the edge gives it, tests give another. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether glyphs may be coloured. */
  readonly colour: boolean;
  /** Whether somebody watches the progress of things. */
  readonly terminal: boolean;
  /** How wide that somebody's terminal is, in characters, when that is known. */
  readonly columns?: number | undefined;
  /**
   * Says something at once, on standard output: for commands that work for a while, such as checks. Who says much waits for
   * what it gives, so that a slow reader is not written to without end.
   */
  readonly print: (text: string) => void | Promise<void>;
  /** Says something at once, on standard error; to nobody when it is not there. */
  readonly warn?: (text: string) => void;
  /** All of standard input, at most `maxBytes`; throws `config.invalid` beyond. */
  readonly readInput: (maxBytes: number) => Promise<Uint8Array>;
}

/** One verb of the command line. */
export interface Command {
  readonly name: string;
  /** Other words for it. */
  readonly aliases?: readonly string[];
  /** What comes after the name, such as `[flags] CONFIG-FILE`. */
  readonly usage: string;
  /** One sentence. */
  readonly about: string;
  readonly flags: readonly Flag[];
  /** Lines that work when pasted; comments start with `#`. */
  readonly examples: readonly string[];
  /** How many words may follow the name. */
  readonly maxWords: number;
  readonly run: (given: Given, world: World) => Promise<Outcome>;
}

/** Verbs under one word, as `linkerd diagnostics endpoints`; the word alone shows help. */
export interface Group {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One sentence. */
  readonly about: string;
  readonly examples: readonly string[];
  readonly commands: readonly Command[];
}

/** What may stand in a table of commands. */
export type Entry = Command | Group;
