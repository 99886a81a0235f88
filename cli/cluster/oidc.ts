import { Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import { textOf } from "./kubeconfig.ts";

/** A token with less time left than this is as good as expired: a command may take that long. */
const TIME_LEFT_MIN_MS = 10_000;

/**
 * The ID token that kubectl keeps in the kubeconfig of an OpenID Connect user. An expired one is not refreshed: that may
 * spend the refresh token, and we write no kubeconfig to keep its successor in (docs/decisions/0084).
 */
export function readIdToken(
  provider: Readonly<Record<string, unknown>>,
  from: string,
  now: number,
): string {
  const name = textOf(provider, "name");
  if (name !== "oidc") {
    throw new Problem(
      "config.invalid",
      `Cannot use auth-provider "${name}" of ${from}: Kubernetes took it away in 1.26`,
      { hint: "Fetch a kubeconfig with a credential plugin (exec) instead." },
    );
  }
  const config = isMap(provider["config"]) ? provider["config"] : {};
  const token = textOf(config, "id-token");
  if (token !== undefined && expiry(token) > now + TIME_LEFT_MIN_MS) {
    return token;
  }
  throw new Problem(
    "config.invalid",
    `Cannot use the OpenID Connect user of ${from}: its id-token has expired`,
    { hint: "Any kubectl command, such as `kubectl version`, refreshes it." },
  );
}

/** When a JSON web token expires, in milliseconds; never when it does not say. */
function expiry(token: string): number {
  const [, claims = ""] = token.split(".");
  try {
    const text = atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
    const { exp }: { exp?: unknown } = JSON.parse(text);
    return typeof exp === "number" ? exp * 1000 : Infinity;
  } catch {
    return 0;
  }
}
