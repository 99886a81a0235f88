import type { Route } from "../../kube.ts";
import { createPattern } from "../../pattern.ts";
import { Problem } from "../../problem.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { isServer } from "../parents.ts";

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

/** What HTTPRoutes and GRPCRoutes on a Server have in common: parents and hosts. */
export function mistakesOfAttachment(
  { apiVersion, metadata, spec }: Route,
): Mistake[] {
  const parents = (spec.parentRefs ?? []).flatMap((parent, at): Mistake[] => {
    const path = ["spec", "parentRefs", at];
    const { namespace = metadata.namespace, port, sectionName } = parent;
    if (!isServer(parent, apiVersion)) return [];
    const found: Mistake[] = [];
    if (namespace !== metadata.namespace) {
      found.push(mistake(
        [...path, "namespace"],
        namespace,
        `${metadata.namespace}, the route's own namespace`,
        "create the route in the namespace of the Server",
      ));
    }
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
  });
  const hosts = (spec.hostnames ?? []).flatMap((host, at) =>
    HOSTNAME.test(host.toLowerCase()) ? [] : [mistake(
      ["spec", "hostnames", at],
      host,
      "a host name, or *. and one",
      "write it without scheme and port",
    )]
  );
  return [...parents, ...hosts];
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
  { requestHeaderModifier, type }: Filter,
  path: FieldPath,
): Mistake[] {
  const at = [...path, "requestHeaderModifier"];
  if (type !== "RequestHeaderModifier") return [];
  if (requestHeaderModifier === undefined) {
    return [mistake(at, undefined, "headers to change", "add the field")];
  }
  const { add = [], set = [], remove = [] } = requestHeaderModifier;
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
