import type { Command } from "../../command.ts";

/** `linkerd viz dashboard`: the pages, on this machine. */
export const dashboard: Command = {
  name: "dashboard",
  usage: "[flags]",
  about: "Open the dashboard in a browser, until this command is stopped.",
  flags: [
    {
      name: "address",
      kind: "text",
      about: "Address to listen on",
      otherwise: "localhost",
    },
    {
      name: "port",
      short: "p",
      kind: "text",
      about: "Port to listen on; 0: any",
      otherwise: "50750",
    },
    {
      name: "show",
      kind: "text",
      about: "linkerd (a browser) or url",
      otherwise: "linkerd",
    },
    {
      name: "wait",
      kind: "text",
      about: "How long to wait for metrics",
      otherwise: "5m0s",
    },
  ],
  examples: [
    "linkerd viz dashboard",
    "# without a browser",
    "linkerd viz dashboard --show url --port 0",
  ],
  maxWords: 0,
  run: async (given, world) => {
    const { runDashboard } = await import("../../viz/dashboard.ts");
    return await runDashboard(given, world);
  },
};
