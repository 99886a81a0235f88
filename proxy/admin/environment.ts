import type { Environment } from "../config/setting.ts";
import type { AdminRequest, Answer } from "./answer.ts";

/**
 * Variables shown: those a proxy reads, and those its injector sets beside them. None of them is secret (the trust
 * anchors are public, the token is in a file); whatever else the process was started with is nobody's business, since
 * anyone who reaches the admin port may ask (decision 34).
 */
const SHOWN = /^(LINKERD2_PROXY_|_pod_|_l5d_)/;

/** Answers `/env.json`: all shown variables, or those named in the query (`?A&B`), null when unset or not shown. */
export function showEnvironment(
  env: Environment,
  { field, query }: Pick<AdminRequest, "field" | "query">,
): Answer {
  const accept = field("accept") ?? "*/*";
  if (!/application\/(json|\*)|\*\/\*/.test(accept)) {
    return json(406, { error: "expected accept to include application/json" });
  }
  const asked = query.split("&").filter((name) => name !== "");
  if (asked.some((name) => name.includes("="))) {
    return json(400, { error: "expected names of variables, as in ?A&B" });
  }
  const names = asked.length > 0
    ? asked
    : Object.keys(env).filter((name) => SHOWN.test(name)).sort();
  return json(
    200,
    Object.fromEntries(
      names.map((name) => [name, SHOWN.test(name) ? env[name] ?? null : null]),
    ),
  );
}

function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: `${JSON.stringify(value)}\n`,
  };
}
