import type {
  Authorization,
  ServerMeta,
  ServerPolicy,
} from "../../schemas/policy.ts";
import { type Caller, explainAuthorization } from "../authorize.ts";
import type { Route } from "./inbound-routes.ts";

/** Authorizations named in one line; policies may have a thousand. */
const MAX_NAMED = 3;

/** `Server web`, or that of a default: `default policy deny`. */
export function describeServer({ kind, name }: ServerMeta): string {
  return kind === "default" ? `default policy ${name}` : `Server ${name}`;
}

/** `HTTPRoute admin`, or `default route probe`. */
export function describeRoute({ kind, name }: ServerMeta): string {
  return kind === "default" ? `default route ${name}` : `${kind} ${name}`;
}

/**
 * Which policy a denied caller lacks: what each authorization there is asks for. `route` null: a connection that is not
 * HTTP, or none of its requests in particular.
 */
export function explainDenial(
  policy: ServerPolicy,
  route: Route | null,
  caller: Caller,
): string {
  const tried = [...route?.authorizations ?? [], ...policy.authorizations];
  const where = route === null || route.meta.kind === "default"
    ? describeServer(policy.meta)
    : `${describeRoute(route.meta)} or ${describeServer(policy.meta)}`;
  if (tried.length === 0) return `no authorization is there for ${where}`;
  const why = tried.slice(0, MAX_NAMED).map((one) => explain(one, caller));
  const more = tried.length - why.length;
  return `no authorization of ${where} permits it: ${why.join(", ")}${
    more > 0 ? ` and ${more} more` : ""
  }`;
}

function explain(one: Authorization, caller: Caller): string {
  const { kind, name } = one.meta;
  return `${kind} ${name} ${explainAuthorization(one, caller)}`;
}
