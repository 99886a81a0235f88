import type { ProfileRoute } from "../../schemas/profile.ts";
import type { RequestHead } from "../http/message.ts";
import { pathEndOf, requestTest } from "./condition.ts";

/** Requests that no route of a profile is for. */
const DEFAULT_ROUTE: ProfileRoute = {
  condition: { kind: "all", conditions: [] },
  responseClasses: [],
  labels: {},
  retries: false,
  timeoutMs: null,
};

/**
 * Finds the first route whose condition holds, else the default one (facts 4.13). A route is opened when it takes its first
 * request: of a thousand most may never take one, and each would be on the metrics page.
 */
export function createRouteTable<Opened>(
  routes: readonly ProfileRoute[],
  open: (route: ProfileRoute) => Opened,
): (head: RequestHead) => Opened {
  const lazily = (route: ProfileRoute) => {
    let opened: Opened | null = null;
    return () => opened ??= open(route);
  };
  const table = routes.map((route) => ({
    test: requestTest(route.condition),
    opened: lazily(route),
  }));
  const otherwise = lazily(DEFAULT_ROUTE);
  return (head) => {
    const end = pathEndOf(head);
    const found = table.find(({ test }) => test(head, end));
    return found === undefined ? otherwise() : found.opened();
  };
}
