import { injector } from "../control/injector.ts";
import { controlScale } from "../control/scale.ts";
import type { Row } from "../result.ts";

/** Programs of the control plane against a real API server: they bring their own world and their own subjects. */
export interface ControlCase {
  readonly name: string;
  /** For the heading of its table. */
  readonly about: string;
  readonly run: (options: ControlOptions) => Promise<Row[]>;
}

export interface ControlOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

/** In the order of the tables. */
export const CONTROL_CASES: readonly ControlCase[] = [controlScale, injector];
