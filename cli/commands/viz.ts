import type { Group } from "../command.ts";
import { allowScrapes } from "./viz/allow-scrapes.ts";
import { authz } from "./viz/authz.ts";
import { check } from "./viz/check.ts";
import { dashboard } from "./viz/dashboard.ts";
import { edges } from "./viz/edges.ts";
import { install } from "./viz/install.ts";
import { list } from "./viz/list.ts";
import { profile } from "./viz/profile.ts";
import { routes } from "./viz/routes.ts";
import { stat } from "./viz/stat.ts";
import { statInbound, statOutbound } from "./viz/stat-by-route.ts";
import { tap, top } from "./viz/tap.ts";
import { prune, uninstall } from "./viz/uninstall.ts";

/** `linkerd viz`: golden metrics. They come with the default install. */
export const viz: Group = {
  name: "viz",
  about: "Show the golden metrics of workloads.",
  examples: [
    "linkerd viz stat -n emojivoto deploy",
    "linkerd viz edges -n emojivoto deploy",
    "# do metrics come in?",
    "linkerd viz check --proxy -n emojivoto",
  ],
  commands: [
    allowScrapes,
    authz,
    check,
    dashboard,
    edges,
    install,
    list,
    profile,
    prune,
    routes,
    stat,
    statInbound,
    statOutbound,
    tap,
    top,
    uninstall,
  ],
};
