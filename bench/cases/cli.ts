import type { Merit } from "../case.ts";

/** A command line that is run as a whole process, over and over. */
export interface CommandCase {
  readonly name: string;
  /** For the heading of its table. */
  readonly about: string;
  readonly merit: Merit;
  /** Arguments for each subject that takes part; `many` is a file of 1,000 Deployments. */
  readonly commands: (many: string) => Readonly<Record<string, string[]>>;
}

const merit: Merit = { figure: "p50Ms", better: "lower" };

/** The same arguments for both ways that our command is built. */
function ours(...args: string[]): Record<string, string[]> {
  return { ours: args, "ours-release": args };
}

/** Figures of a run: how long it takes, CPU time per 1,000 runs, and the most memory that it had. */
export const COMMAND_CASES: readonly CommandCase[] = [
  {
    name: "cli-version",
    about: "version --client, whole processes one after the other",
    merit,
    commands: () => ({
      ...ours("version", "--client"),
      kubectl: ["version", "--client"],
    }),
  },
  {
    name: "cli-inject",
    about: "inject of a file of 1,000 Deployments, whole processes",
    merit,
    commands: (many) => ours("inject", "--ignore-cluster", many),
  },
  {
    name: "cli-install",
    about: "install --ignore-cluster, whole processes",
    merit,
    commands: () => ours("install", "--ignore-cluster"),
  },
];
