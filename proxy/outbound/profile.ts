import type { RouteBackend } from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { ProfileRoute } from "../../schemas/profile.ts";
import type { Lane, Passage, Way } from "../direction.ts";
import { type ProfileInForce, splitOf } from "../discover/profile.ts";
import { Field } from "../http/field.ts";
import { createJudge } from "../profile/classes.ts";
import { createRouteTable } from "../profile/route-table.ts";
import { type ProfileFamilies, profileRouteLabels } from "../record/profile.ts";
import type { Filters } from "../route/filter.ts";
import { type Choice, createChooser } from "./distribution.ts";
import { RouteLane } from "./lane.ts";
import { createBudget } from "./profile/budget.ts";
import { recordProfileRoute } from "./profile/recorder.ts";
import { profileTerms } from "./profile/terms.ts";
import type { Released } from "./route-recorder.ts";
import type { Routes, RoutesOptions } from "./routes.ts";

export interface ProfileOptions
  extends Pick<RoutesOptions, "backends" | "random"> {
  readonly families: ProfileFamilies;
}

/**
 * Makes a ServiceProfile live: the first route whose condition holds takes a request, and what no route takes is carried
 * all the same (facts 4.13). Its overrides share backends with the policy's routes.
 */
export function openProfile(
  profile: ProfileInForce,
  parent: Meta,
  { backends, random, families }: ProfileOptions,
): Routes {
  const { authority, routing } = profile;
  const held: Released[] = [];
  const { retryBudget } = routing;
  const budget = retryBudget === null ? null : createBudget(retryBudget);
  const take = ({ backend, weight }: RouteBackend<never>) => {
    const shared = backends.take(backend, null, parent);
    held.push({ release: () => shared.close() });
    return { shared, weight };
  };
  const split = splitOf(profile);
  const [first, ...rest] = split.backends;
  const taken = [take(first), rest.map(take)] as const;
  const canonical = Field.of("l5d-dst-canonical", authority);
  // The same with every request: worth a place in a compression table.
  canonical.repeated = true;
  const change = { add: [], set: [canonical], remove: [] };
  const filters: Filters = {
    request: [{ kind: "request-headers", change }],
    response: [],
  };

  function open(route: ProfileRoute): Way {
    const judge = createJudge(route.responseClasses);
    const terms = profileTerms(route, judge, budget);
    const paying = terms.retry === null ? null : budget;
    const labels = profileRouteLabels("outbound", authority, route.labels);
    const recorder = recordProfileRoute(families, labels, judge, paying);
    held.push(recorder);
    const lane = ({ shared, weight }: ReturnType<typeof take>) => ({
      weight,
      choice: new RouteLane(shared, null, recorder.sent, () => authority),
    });
    const lanes = [lane(taken[0]), ...taken[1].map(lane)] as const;
    const [{ choice: nobody }] = lanes;
    const payload: Passage = {
      labels: route.labels,
      choose: createChooser<Lane & Choice>(
        split.kind,
        lanes,
        () => nobody,
        random,
      ),
      filters,
      terms: () => terms,
      judge,
      metrics: () => recorder.route,
    };
    return { payload, path: { kind: "any" } };
  }

  return {
    find: createRouteTable(routing.routes, open),
    release() {
      for (const one of held) one.release();
    },
  };
}
