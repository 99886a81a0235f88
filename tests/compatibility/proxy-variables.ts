import { proxyEnvironment } from "../../install/inject/environment.ts";
import { parseConfig } from "../../proxy/config.ts";
import { anchors } from "../../proxy/config/testing/environment.ts";
import { describe } from "../../schemas/problem.ts";
import { INJECTION_DEFAULTS } from "../../schemas/values/proxy-defaults.ts";

/** What a pod's proxy is started with. */
const BASE = Object.fromEntries(
  proxyEnvironment({
    values: { ...INJECTION_DEFAULTS, identityTrustAnchorsPEM: anchors },
    namespace: "linkerd",
    inboundPorts: "8080",
    isTapped: true,
  }).map(({ name, value = "192.0.2.1" }) => [name, resolveFields(value)]),
);
const USUAL = new Set(parseConfig(BASE).warnings);

/** A variable's text as a kubelet would give it to a proxy. */
export function resolveFields(text: string): string {
  return text.replaceAll("$(_pod_sa)", "web").replaceAll("$(_pod_ns)", "shop")
    .replaceAll(/\$\(\w+\)/g, "x");
}

/** Written by Linkerd's charts and read by no proxy of this age, Linkerd's included. */
const LEFT_OVER: ReadonlySet<string> = new Set([
  "LINKERD2_PROXY_TRACE_ANNOTATIONS_PATH",
  "LINKERD2_PROXY_TRACE_PROTOCOL",
]);

/** Why our proxy would not act on a variable of its environment, by asking it; undefined where it does. */
export function ignored(name: string, value: string): string | undefined {
  if (LEFT_OVER.has(name)) return undefined;
  const read = new Set<string>();
  const env = new Proxy({ ...BASE, [name]: value }, {
    get: (all, key) => {
      read.add(String(key));
      return Reflect.get(all, key);
    },
  });
  try {
    const { warnings } = parseConfig(env);
    if (!read.has(name)) return `the proxy does not read ${name}`;
    return warnings.find((one) => !USUAL.has(one) && one.includes(name));
  } catch (error) {
    const said = describe(error).split("\n").map((line) => line.trim());
    const refusal = said.find((line) => line.startsWith(`${name} asks for`));
    if (refusal !== undefined) return refusal.replace(/; expected.*/, "");
    const wrong = said.find((line) => line.startsWith(`${name} is "`));
    // Complaints about something else show that this one was heard.
    if (wrong === undefined) return undefined;
    throw new Error(`no value to try ${name} with: ${wrong}`);
  }
}
