import type { Flag } from "../../command.ts";

/** Answers that stay up to date. */
export const WATCH: readonly Flag[] = [
  {
    name: "watch",
    short: "w",
    kind: "switch",
    about: "Ask again and again, and show the newest answer",
  },
  {
    name: "interval",
    kind: "text",
    about: "How often to ask with --watch: from 1s to 1h",
    otherwise: "2s",
  },
];
