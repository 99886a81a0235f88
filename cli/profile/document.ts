import { parse } from "yaml";
import { Problem } from "../../schemas/problem.ts";
import type { Outcome } from "../command.ts";
import type { Given } from "../flags.ts";
import { renderJson, renderYaml } from "../render.ts";
import type { Route } from "./routes.ts";

/** RFC 1035 and 1123: what Services and namespaces may be called. */
const SERVICE = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The Service that the command line names; throws `config.invalid`. */
export function readService({ words: [service = ""] }: Given): string {
  if (SERVICE.test(service)) return service;
  throw new Problem(
    "config.invalid",
    `invalid service "${service}": [expected a DNS label that begins with a letter]`,
  );
}

/** Throws `config.invalid` for what cannot be one. */
export function checkNamespace(namespace: string): string {
  if (NAMESPACE.test(namespace)) return namespace;
  throw new Problem(
    "config.invalid",
    `invalid namespace "${namespace}": [expected a DNS label]`,
  );
}

/** A ServiceProfile as YAML. */
export function profileDocument(
  name: string,
  namespace: string,
  routes: readonly Route[],
): string {
  return renderYaml({
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name, namespace },
    spec: { routes },
  });
}

/** How a ServiceProfile is printed; throws `config.invalid`. */
export function readProfileFormat(given: Given): (yaml: string) => Outcome {
  const format = given.text("output") ?? "yaml";
  switch (format) {
    case "yaml":
      return (yaml) => ({ code: 0, stdout: [yaml] });
    case "json":
      return (yaml) => ({ code: 0, stdout: [`${renderJson(parse(yaml))}\n`] });
    default:
      throw new Problem("config.invalid", `unknown output format: ${format}`);
  }
}
