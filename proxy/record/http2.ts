import type { Violation } from "../http2/violation.ts";
import { countOne, type Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { formatLabels } from "./labels.ts";
import type { Series } from "./series.ts";

/** Whose connection it is: one accepted from a client (`src`), one opened to a server (`dst`), or to the control plane. */
export type Http2Side =
  | "inbound src"
  | "inbound dst"
  | "outbound src"
  | "outbound dst"
  | "control dst";

/** Declares the counter; labels by `violationLabels`. */
export function http2Violations(registry: Registry): Family<Series> {
  return registry.counter(
    "proxy_http2_violations_total",
    "Limits that HTTP/2 peers hit and rules that they broke",
  );
}

/** `direction`, `peer` and `reason`, such as `continuations` or `flow_control`. */
export function violationLabels(side: Http2Side, violation: Violation): string {
  const [direction = "", peer = ""] = side.split(" ");
  const reason = violation.replaceAll(
    /[A-Z]/g,
    (capital) => `_${capital.toLowerCase()}`,
  );
  return formatLabels([
    ["direction", direction],
    ["peer", peer],
    ["reason", reason],
  ]);
}

/** What connections of a side tell of their peers, counted. */
export function countViolations(
  family: Family<Series>,
  side: Http2Side,
): (violation: Violation) => void {
  return (violation) => countOne(family, violationLabels(side, violation));
}
