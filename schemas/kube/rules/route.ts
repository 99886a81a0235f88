import type { OutboundRoute, ParentRef, Route } from "../../kube.ts";
import { createPattern } from "../../pattern.ts";
import { Problem } from "../../problem.ts";
import { type FieldPath, formatPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { parentKindOf } from "../parents.ts";

type Filter = NonNullable<
  NonNullable<Route["spec"]["rules"]>[number]["filters"]
>[number];
type FieldMatch = {
  readonly type?: string;
  readonly name: string;
  readonly value: string;
};

/** RFC 9110 5.6.2. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

/** A DNS name, with or without a wildcard for its first labels. */
const HOSTNAME =
  /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Gateway API's limits on lists of a route (v1); a cluster's CRDs refuse more, and so do we where there are none. */
const LIMITS = {
  parentRefs: 32,
  hostnames: 16,
  rules: 16,
  matches: 64,
  filters: 16,
  backendRefs: 16,
} as const;

/** A list of a route is no longer than Gateway API lets it be. */
export function mistakesOfLength(
  field: keyof typeof LIMITS,
  list: readonly unknown[] | undefined,
  path: FieldPath,
): Mistake[] {
  const max = LIMITS[field];
  if (list === undefined || list.length <= max) return [];
  const { length } = list;
  return [{
    path: [...path, field],
    message: `${
      formatPath([...path, field])
    } has ${length} entries, expected ${max} at most`,
    fix: "write several routes",
  }];
}

/** What routes have in common: parents, hosts, and how long their lists are. */
export function mistakesOfAttachment(route: OutboundRoute): Mistake[] {
  const { apiVersion, metadata, spec } = route;
  const { parentRefs = [], rules = [] } = spec;
  const hostnames = "hostnames" in spec ? spec.hostnames ?? [] : [];
  const parents = parentRefs.flatMap((parent, at): Mistake[] => {
    const path = ["spec", "parentRefs", at];
    switch (parentKindOf(parent, apiVersion)) {
      case "Server":
        return mistakesOfServerParent(parent, metadata.namespace, path);
      case "EgressNetwork":
        if (parent.port !== undefined) return [];
        return [mistake(
          [...path, "port"],
          undefined,
          "a port: an EgressNetwork declares none",
          "add the port that clients call, such as port: 443",
        )];
      default:
        return [];
    }
  });
  const hosts = hostnames.flatMap((host, at) =>
    HOSTNAME.test(host.toLowerCase()) ? [] : [mistake(
      ["spec", "hostnames", at],
      host,
      "a host name, or *. and one",
      "write it without scheme and port",
    )]
  );
  return [
    ...mistakesOfLength("parentRefs", parentRefs, ["spec"]),
    ...mistakesOfLength("hostnames", hostnames, ["spec"]),
    ...mistakesOfLength("rules", rules, ["spec"]),
    ...parents,
    ...hosts,
  ];
}

function mistakesOfServerParent(
  { namespace, port, sectionName }: ParentRef,
  own: string,
  path: FieldPath,
): Mistake[] {
  const found = namespace === undefined || namespace === own ? [] : [mistake(
    [...path, "namespace"],
    namespace,
    `${own}, the route's own namespace`,
    "create the route in the namespace of the Server",
  )];
  for (const [name, value] of Object.entries({ port, sectionName })) {
    if (value === undefined) continue;
    found.push(mistake(
      [...path, name],
      value,
      "none: a Server is about one port",
      "remove the field",
    ));
  }
  return found;
}

/** Headers have names such as there can be, and patterns that can be read. */
export function mistakesOfHeaders(
  headers: readonly FieldMatch[],
  path: FieldPath,
): Mistake[] {
  const names = headers.flatMap(({ name }, at) =>
    mistakesOfHeaderName(name, [...path, at, "name"])
  );
  return [...names, ...mistakesOfParams(headers, path)];
}

/** Query parameters have any name, and patterns that can be read. */
export function mistakesOfParams(
  params: readonly FieldMatch[],
  path: FieldPath,
): Mistake[] {
  return params.flatMap(({ type, value }, at) =>
    type === "RegularExpression"
      ? mistakesOfPattern(value, [...path, at, "value"])
      : []
  );
}

/** A regular expression can be read by proxies; it is matched against the whole of a value. */
export function mistakesOfPattern(text: string, path: FieldPath): Mistake[] {
  try {
    createPattern(text);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    const fix = "write it as RE2 does";
    return [
      mistake(path, text, `a regular expression (${thrown.message})`, fix),
    ];
  }
}

/** A filter that changes headers changes such as there can be. */
export function mistakesOfHeaderFilter(
  { requestHeaderModifier, responseHeaderModifier, type }: Filter,
  path: FieldPath,
): Mistake[] {
  switch (type) {
    case "RequestHeaderModifier":
      return mistakesOfChange(requestHeaderModifier, [
        ...path,
        "requestHeaderModifier",
      ]);
    case "ResponseHeaderModifier":
      return mistakesOfChange(responseHeaderModifier ?? {}, [
        ...path,
        "responseHeaderModifier",
      ]);
    default:
      return [];
  }
}

function mistakesOfChange(
  change: Filter["requestHeaderModifier"],
  at: FieldPath,
): Mistake[] {
  if (change === undefined) {
    return [mistake(at, undefined, "headers to change", "add the field")];
  }
  const { add = [], set = [], remove = [] } = change;
  const written = Object.entries({ add, set }).flatMap(([field, headers]) =>
    headers.flatMap(({ name, value }, of) => [
      ...mistakesOfHeaderName(name, [...at, field, of, "name"]),
      // deno-lint-ignore no-control-regex -- what RFC 9110 5.5 does not allow in a value
      ...!/[\0-\x08\x0a-\x1f\x7f]/.test(value) ? [] : [mistake(
        [...at, field, of, "value"],
        value,
        "a header value without control characters",
        "remove them",
      )],
    ])
  );
  const removed = remove.flatMap((name, of) =>
    mistakesOfHeaderName(name, [...at, "remove", of])
  );
  return [...written, ...removed];
}

function mistakesOfHeaderName(name: string, path: FieldPath): Mistake[] {
  if (TOKEN.test(name)) return [];
  return [mistake(
    path,
    name,
    "the name of a header",
    "use letters, digits and dashes",
  )];
}
