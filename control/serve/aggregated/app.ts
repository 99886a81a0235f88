import { Hono } from "hono";
import { GROUP_VERSION, VIZ_GROUP } from "../../../schemas/tap.ts";
import { createPages, type StatsOptions } from "../stats.ts";
import { refuse } from "../status.ts";
import type { Review, User, Visitor } from "../../visitor.ts";
import { createDiscovery } from "./discovery.ts";

const VIZ = `/apis/${VIZ_GROUP}/${GROUP_VERSION}`;
/** Where the dashboard is; what goes on is watched, or the API server would end it after a minute. */
const DASHBOARDS = [
  { path: `${VIZ}/dashboard`, verb: "get" },
  { path: `${VIZ}/watch/dashboard`, verb: "watch" },
] as const;

/** All that is served behind the API server: each request is answered if its user may have that of Kubernetes. */
export function createAggregated(
  options: StatsOptions,
  review: Review,
): (request: Request, user: User) => Promise<Response> {
  const app = new Hono<{ Bindings: Visitor }>({ strict: false });
  app.route("/", createDiscovery());
  for (const { path, verb } of DASHBOARDS) {
    app.use(`${path}/*`, async (context, next) => {
      const page = context.req.path.slice(path.length + 1);
      try {
        await context.env.permit({
          verb: page === "" && verb === "get" ? "list" : verb,
          group: VIZ_GROUP,
          resource: "dashboard",
          subresource: "",
          namespace: null,
          name: page || null,
        });
      } catch (error) {
        return refuse(error);
      }
      return await next();
    });
  }
  app.route("/", createPages(options, DASHBOARDS.map(({ path }) => path)));
  return async (request, user) =>
    await app.fetch(request, {
      permit: (attributes) => review(user, attributes),
    });
}
