import type { RateLimitPolicy, Server } from "../../schemas/kube.ts";
import { kindOf } from "../../schemas/kube/rules/references.ts";
import type { RateLimit } from "../../schemas/policy.ts";
import { accountIdentities } from "./clients.ts";
import { idOf } from "./keys.ts";
import { oldestFirst } from "./named.ts";
import type { State } from "./state.ts";

/** How many requests a Server takes, by the oldest policy about it; null: as many as come. */
export function rateLimitOf(
  server: Server,
  { policies, settings }: State,
): RateLimit | null {
  const [policy] = limitsOf(server, policies);
  if (policy === undefined) return null;
  const { metadata, spec } = policy;
  return {
    meta: {
      kind: "resource",
      resource: {
        group: "policy.linkerd.io",
        kind: "HTTPLocalRateLimitPolicy",
        name: metadata.name,
        namespace: metadata.namespace,
        section: "",
        port: 0,
      },
    },
    totalPerSecond: spec.total?.requestsPerSecond ?? null,
    identityPerSecond: spec.identity?.requestsPerSecond ?? null,
    overrides: (spec.overrides ?? []).map((override) => ({
      perSecond: override.requestsPerSecond,
      identities: new Set(
        override.clientRefs.flatMap(({ name, namespace }) =>
          accountIdentities(
            { namespace: namespace ?? metadata.namespace, name },
            settings,
          )
        ),
      ),
    })),
  };
}

/** Rate limits about a Server, the one in force first. */
export function limitsOf(
  { metadata }: Server,
  { limitsByServer }: State["policies"],
): readonly RateLimitPolicy[] {
  const found = [...limitsByServer.get(idOf(metadata))];
  return oldestFirst(
    found.filter(({ spec }) => kindOf(spec.targetRef, ["Server"]) !== null),
  );
}
