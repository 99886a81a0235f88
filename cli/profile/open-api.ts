import { parse } from "yaml";
import { describe, Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import { quote, type ResponseClass, type Route } from "./routes.ts";

/** Methods that a path may have, in the order of routes. */
const METHODS = ["delete", "get", "head", "options", "patch", "post", "put"];

/**
 * The routes of an OpenAPI (Swagger 2) description in JSON or YAML, by path, then method. Throws `config.invalid` when
 * `source` holds none.
 */
export function readOpenApi(text: string, source: string): Route[] {
  const description = readMap(text, source);
  const { basePath, paths } = description;
  if (!isMap(paths)) throw refuse(source, "it has no paths");
  const base = typeof basePath === "string" ? basePath : "";
  return Object.keys(paths).sort().flatMap((path) => {
    const operations = paths[path];
    if (!isMap(operations)) return [];
    return METHODS.flatMap((method) => {
      const operation = operations[method];
      return isMap(operation)
        ? [toRoute(method.toUpperCase(), join(base, path), operation)]
        : [];
    });
  });
}

function readMap(text: string, source: string): Record<string, unknown> {
  let found: unknown;
  try {
    found = parse(text); // JSON is YAML
  } catch (cause) {
    throw refuse(source, describe(cause), cause);
  }
  if (isMap(found)) return found;
  throw refuse(source, "it is no map");
}

function refuse(source: string, found: string, cause?: unknown): Problem {
  return new Problem(
    "config.invalid",
    `Cannot read ${source} as OpenAPI: ${found}`,
    { hint: "expected a Swagger 2 description in JSON or YAML", cause },
  );
}

/** `/api/` and `/books` are `/api/books`. */
function join(base: string, path: string): string {
  return `/${base}/${path}`.replaceAll(/\/{2,}/g, "/");
}

function toRoute(
  method: string,
  path: string,
  operation: Readonly<Record<string, unknown>>,
): Route {
  const responses = classesOf(operation["responses"]);
  const timeout = operation["x-linkerd-timeout"];
  return {
    name: `${method} ${path}`,
    condition: { method, pathRegex: toRegex(path) },
    ...(operation["x-linkerd-retryable"] === true ? { isRetryable: true } : {}),
    ...(typeof timeout === "string" ? { timeout } : {}),
    ...(responses.length > 0 ? { responseClasses: responses } : {}),
  };
}

/** A parameter stands for anything up to the next slash. */
function toRegex(path: string): string {
  return path.split(/\{[^}]*\}/).map(quote).join("[^/]*");
}

/** A class for each status that is a number, failures from 500 on. */
function classesOf(responses: unknown): ResponseClass[] {
  if (!isMap(responses)) return [];
  return Object.keys(responses).filter((status) => /^\d{3}$/.test(status))
    .map(Number).sort((a, b) => a - b).map((status) => ({
      condition: { status: { min: status, max: status } },
      ...(status >= 500 ? { isFailure: true } : {}),
    }));
}
