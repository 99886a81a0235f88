import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { formatLabels } from "./labels.ts";
import type { Series } from "./series.ts";
import { type HttpFamilies, httpFamilies } from "./traffic.ts";

/** What is counted of requests that ServiceProfiles route (facts 6.3). */
export interface ProfileFamilies {
  /** Labels by `profileRouteLabels`. */
  readonly route: HttpFamilies;
  /** The same for each time that a request is sent. */
  readonly actual: HttpFamilies;
  /** With `skippedLabel` behind. */
  readonly retryable: Family<Series>;
}

/** Declares the `route_*` families. */
export function profileFamilies(registry: Registry): ProfileFamilies {
  return {
    route: httpFamilies(registry, "route_"),
    actual: httpFamilies(registry, "route_actual_"),
    retryable: registry.counter(
      "route_retryable_total",
      "Responses of requests that might be sent again, and why some were not",
    ),
  };
}

/** `dst` is the name and port that was called; `rt_*` what the route is called by. */
export function profileRouteLabels(
  direction: "inbound" | "outbound",
  dst: string,
  labels: Readonly<Record<string, string>>,
): string {
  return formatLabels([
    ["direction", direction],
    ["dst", dst],
    ...Object.keys(labels).sort().map((name) =>
      [
        `rt_${name.replace(/[^a-zA-Z0-9_]/g, "_")}`,
        labels[name] ?? "",
      ] as const
    ),
  ]);
}

/** Why a request was not sent again; "" when it was. */
export function skippedLabel(reason: "" | "no_budget"): string {
  return formatLabels([["skipped", reason]]);
}
