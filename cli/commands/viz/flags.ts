import type { Flag } from "../../command.ts";

/** Whose namespace is asked about. */
export const NAMESPACE: Flag = {
  name: "namespace",
  short: "n",
  kind: "text",
  about: "Namespace to look at",
  otherwise: "the context's",
};
/** Every namespace. */
export const ALL_NAMESPACES: Flag = {
  name: "all-namespaces",
  short: "A",
  kind: "switch",
  about: "Resources of all namespaces",
};
/** Which of the resources. */
export const SELECTOR: Flag = {
  name: "selector",
  short: "l",
  kind: "text",
  about: "Only resources with labels, such as app=web",
};
/** Over which time. */
export const WINDOW: Flag = {
  name: "time-window",
  short: "t",
  kind: "text",
  about: "How far back to look, 15s to 1h",
  otherwise: "1m",
};
/** How answers are printed. */
export const output = (formats: string): Flag => ({
  name: "output",
  short: "o",
  kind: "text",
  about: `Print ${formats}`,
  otherwise: "table",
});
/** Answers that stay up to date. */
export const WATCH: Flag = {
  name: "watch",
  short: "w",
  kind: "switch",
  about: "Show the newest answer, every two seconds",
};
