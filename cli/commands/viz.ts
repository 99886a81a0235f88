import type { Group } from "../command.ts";
import { authz } from "./viz/authz.ts";
import { dashboard } from "./viz/dashboard.ts";
import { edges } from "./viz/edges.ts";
import { install } from "./viz/install.ts";
import { routes, statInbound, statOutbound } from "./viz/routes.ts";
import { stat } from "./viz/stat.ts";

/** `linkerd viz`: golden metrics. They come with the default install. */
export const viz: Group = {
  name: "viz",
  about: "Show the golden metrics of workloads.",
  examples: [
    "linkerd viz stat -n emojivoto deploy",
    "linkerd viz edges -n emojivoto deploy",
  ],
  commands: [
    authz,
    dashboard,
    edges,
    install,
    routes,
    stat,
    statInbound,
    statOutbound,
  ],
};
