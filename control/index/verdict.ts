import type {
  EgressNetwork,
  OutboundRoute,
  ParentRef,
  RateLimitPolicy,
} from "../../schemas/kube.ts";
import { formatPath } from "../../schemas/kube/field-problem.ts";
import { parentKindOf } from "../../schemas/kube/parents.ts";
import type {
  Condition,
  ParentConditions,
  Standing,
  Verdict,
} from "../conditions.ts";
import { attachmentOf, resolutionOf } from "./attachment.ts";
import { isAccepted } from "./egress.ts";
import { idOf } from "./keys.ts";
import { oldestFirst } from "./named.ts";
import { filtersNotDone } from "./route-rules.ts";
import type { State } from "./state.ts";

/** What an object's status is to say: what of it is in force, and why the rest is not (facts: control plane 3.10). */
export function verdictOf(
  { apiVersion, content }: Pick<Standing, "apiVersion" | "content">,
  state: State,
): Verdict {
  switch (content.kind) {
    case "foreign":
      return parents([]);
    case "broken": {
      const { parentRefs, mistake } = content;
      return parents(
        parentRefs.filter((one) => parentKindOf(one, apiVersion) !== null)
          .map((parentRef) => ({
            parentRef,
            conditions: [rejected("UnsupportedValue", mistake)],
          })),
      );
    }
    case "object":
      switch (content.object.kind) {
        case "EgressNetwork":
          return verdictOfNetwork(content.object, state);
        case "HTTPLocalRateLimitPolicy":
          return verdictOfLimit(content.object, state);
        case "HTTPRoute":
        case "GRPCRoute":
        case "TLSRoute":
        case "TCPRoute":
          return parents(verdictsOfRoute(content.object, state));
        default:
          return parents([]);
      }
  }
}

function verdictsOfRoute(
  route: OutboundRoute,
  state: State,
): ParentConditions[] {
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    const attachment = attachmentOf(route, parentRef, state);
    if (attachment.kind === "foreign") return [];
    const isServer = parentKindOf(parentRef, route.apiVersion) === "Server";
    const conditions = [
      attachment.kind === "detached"
        ? rejected(attachment.reason, attachment.message)
        : (isServer ? unenforced(route) : null) ?? ACCEPTED,
      ...isServer ? [] : [resolved(route, parentRef, state)],
    ];
    return [{ parentRef, conditions }];
  });
}

/** What of a Server's route a proxy cannot do to what it receives; such requests are denied. */
function unenforced(route: OutboundRoute): Condition | null {
  if (route.kind !== "HTTPRoute" && route.kind !== "GRPCRoute") return null;
  const types = filtersNotDone(route);
  for (const [at, { filters = [] }] of (route.spec.rules ?? []).entries()) {
    const of = filters.findIndex(({ type }) => types.includes(type));
    if (of < 0) continue;
    const path = formatPath(["spec", "rules", at, "filters", of, "type"]);
    const type = filters[of]?.type;
    return rejected(
      "UnsupportedValue",
      `${path}: the filter ${type} is not supported on a Server`,
    );
  }
  return null;
}

function resolved(
  route: OutboundRoute,
  parentRef: ParentRef,
  state: State,
): Condition {
  const resolution = resolutionOf(route, parentRef, state);
  const isTrue = resolution.kind === "resolved";
  return {
    type: "ResolvedRefs",
    isTrue,
    reason: isTrue ? "ResolvedRefs" : resolution.reason,
    message: isTrue ? "" : resolution.message,
  };
}

function verdictOfNetwork(network: EgressNetwork, state: State): Verdict {
  const condition = isAccepted(network, state.settings) ? ACCEPTED : rejected(
    "EgressReasonNetworkOverlap",
    "spec.networks overlaps with the networks of the cluster",
  );
  return { kind: "conditions", conditions: [condition], targetRef: null };
}

function verdictOfLimit(
  { metadata, spec }: RateLimitPolicy,
  { policies, servers }: State,
): Verdict {
  const { targetRef } = spec;
  const id = idOf({ namespace: metadata.namespace, name: targetRef.name });
  const verdict = (condition: Condition): Verdict => ({
    kind: "conditions",
    conditions: [condition],
    targetRef,
  });
  if (!servers.byId.has(id)) {
    return verdict(rejected("NoMatchingTarget", `There is no Server ${id}`));
  }
  const [first] = oldestFirst(policies.limitsByServer.get(id));
  return verdict(
    first === undefined || first.metadata.name === metadata.name
      ? ACCEPTED
      : rejected(
        "RateLimitReasonAlreadyExists",
        `HTTPLocalRateLimitPolicy ${first.metadata.name} is older and is for the same Server`,
      ),
  );
}

const ACCEPTED: Condition = {
  type: "Accepted",
  isTrue: true,
  reason: "Accepted",
  message: "",
};

function rejected(reason: string, message: string): Condition {
  return { type: "Accepted", isTrue: false, reason, message };
}

function parents(list: readonly ParentConditions[]): Verdict {
  return { kind: "parents", parents: list };
}
