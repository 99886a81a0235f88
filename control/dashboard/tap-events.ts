import type { Context } from "hono";
import { Problem } from "../../schemas/problem.ts";
import { refuse } from "../serve/status.ts";
import type { OpenTap } from "../serve/tap.ts";
import type { Visitor } from "../visitor.ts";
import { parseTapAsked } from "./tap-asked.ts";
import { tapRows } from "./tap-rows.ts";

/** Answers the page of live requests with rows (tap-rows.ts) for as long as it is looked at. */
export async function serveTapEvents(
  { env, req }: Context<{ Bindings: Visitor }>,
  openTap: OpenTap,
  now: () => number,
): Promise<Response> {
  try {
    // Another page can read nothing here, but it shall not have proxies work either. What is no browser says neither.
    const site = req.header("sec-fetch-site") ?? "same-origin";
    if (site !== "same-origin") {
      throw new Problem(
        "forbidden",
        "only the dashboard's own page is shown live requests",
      );
    }
    const asked = parseTapAsked(new URL(req.url).searchParams);
    if (asked === null) {
      throw new Problem("request.invalid", "expected a target", {
        hint: "add one, such as target=deployment/shop/web",
      });
    }
    const { target, filter } = asked;
    return await openTap(
      env,
      target,
      filter,
      req.raw.signal,
      (events) => tapRows(events, now),
    );
  } catch (thrown) {
    return refuse(thrown);
  }
}
