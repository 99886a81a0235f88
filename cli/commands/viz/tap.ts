import type { Command, Flag } from "../../command.ts";
import { NAMESPACE } from "./flags.ts";

/** What `tap` and `top` are told to look at. */
const TAP: readonly Flag[] = [
  NAMESPACE,
  {
    name: "selector",
    short: "l",
    kind: "text",
    about: "Only pods with these labels",
  },
  {
    name: "to",
    kind: "text",
    about: "Only requests to this one, such as svc/web",
  },
  { name: "to-namespace", kind: "text", about: "Namespace of --to" },
  {
    name: "max-rps",
    kind: "text",
    about: "Most requests shown a second",
    otherwise: "100",
  },
  { name: "scheme", kind: "text", about: "Only this scheme: http or https" },
  { name: "method", kind: "text", about: "Only this method" },
  { name: "authority", kind: "text", about: "Only this authority" },
  { name: "path", kind: "text", about: "Only paths that begin so" },
];

/** `linkerd viz tap`: requests as they happen. */
export const tap: Command = {
  name: "tap",
  usage: "[flags] (RESOURCE)",
  about: "Print requests of workloads as they happen.",
  flags: [
    ...TAP,
    {
      name: "output",
      short: "o",
      kind: "text",
      about: "wide, json or jsonpath=<path>",
      otherwise: "lines",
    },
  ],
  examples: [
    "linkerd viz tap -n emojivoto deploy/web",
    "# what web asks of voting",
    "linkerd viz tap -n emojivoto deploy/web --to svc/voting-svc",
    "# paths alone",
    "linkerd viz tap -n emojivoto po -o 'jsonpath={.requestInitEvent.path}'",
  ],
  maxWords: 2,
  run: async (given, world) => {
    const { runTap } = await import("../../viz/tap.ts");
    return await runTap(given, world);
  },
};

/** `linkerd viz top`: the same, counted. */
export const top: Command = {
  name: "top",
  usage: "[flags] (RESOURCE)",
  about: "Show which requests there are most of, and how fast they are.",
  flags: [
    ...TAP,
    {
      name: "hide-sources",
      kind: "switch",
      about: "Count requests of all sources together",
    },
    {
      name: "routes",
      kind: "switch",
      about: "Count by route, not by method and path",
    },
  ],
  examples: [
    "linkerd viz top -n emojivoto deploy/web",
    "# what the Service voting is asked by anybody, by route",
    "linkerd viz top -n emojivoto ns --to svc/voting-svc --hide-sources --routes",
  ],
  maxWords: 2,
  run: async (given, world) => {
    const { runTop } = await import("../../viz/top.ts");
    return await runTop(given, world);
  },
};
