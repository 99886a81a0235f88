import type { Flag } from "../../command.ts";

/** Answers that stay up to date. */
export const WATCH: Flag = {
  name: "watch",
  short: "w",
  kind: "switch",
  about: "Ask again every two seconds, and show the newest answer",
};
