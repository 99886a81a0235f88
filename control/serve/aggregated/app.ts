import { Hono } from "hono";
import { GROUP_VERSION, VIZ_GROUP } from "../../../schemas/tap.ts";
import { Problem } from "../../../schemas/problem.ts";
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
      const { permit } = context.env;
      const enter = () =>
        permit({
          verb: page === "" && verb === "get" ? "list" : verb,
          group: VIZ_GROUP,
          resource: "dashboard",
          subresource: "",
          namespace: null,
          name: page || null,
        });
      try {
        await enter();
      } catch (error) {
        return refuse(error);
      }
      // What goes on is judged again, and needs the page for as long as it does.
      context.env = {
        permit: async (attributes) => {
          await enter();
          await permit(attributes);
        },
      };
      return await next();
    });
  }
  app.route("/", createPages(options, DASHBOARDS.map(({ path }) => path)));
  return async (request, user) =>
    await app.fetch(request, {
      permit: async (attributes) => {
        checkName(attributes.namespace);
        checkName(attributes.name);
        await review(user, attributes);
      },
    });
}

/** Kubernetes' longest. */
const MAX_NAME = 253;

/**
 * Throws for what is no name in Kubernetes: an empty one would be asked as all of them, one with a slash as another resource, and
 * one without end would be remembered.
 */
function checkName(name: string | null): void {
  if (name === null) return;
  if (name.length <= MAX_NAME && /^[a-z\d]([a-z\d.-]*[a-z\d])?$/.test(name)) {
    return;
  }
  throw new Problem(
    "request.invalid",
    `expected the name of something in Kubernetes, instead of ${
      JSON.stringify(name.slice(0, MAX_NAME))
    }`,
  );
}
