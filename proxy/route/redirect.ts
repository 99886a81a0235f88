import type { Redirect } from "../../schemas/route.ts";
import type { RequestHead } from "../http/message.ts";

/** Ports that need not be said. */
const USUAL: Readonly<Record<string, string>> = { http: "80", https: "443" };

/**
 * Where a request is and where a redirect sends it, both as absolute URIs. `prefix`: octets of its path that the rule's
 * prefix took. The query goes along.
 */
export function locate(
  { scheme, host, port, path }: Redirect,
  head: RequestHead,
  prefix: number,
): { readonly from: string; readonly to: string } {
  const requested = head.path.text;
  const at = requested.indexOf("?");
  const query = at < 0 ? "" : requested.slice(at);
  const pathname = at < 0 ? requested : requested.slice(0, at);
  const authority = (head.authority ?? head.host)?.text ?? "";
  const [, ownHost = "", ownPort = ""] =
    /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority) ?? [];
  const ownScheme = head.scheme?.text ?? "http";
  const newScheme = scheme ?? ownScheme;
  // Another scheme without a port means that scheme's own (Gateway API, HTTPRequestRedirectFilter).
  const newPort = port === null ? scheme === null ? ownPort : "" : String(port);
  return {
    from: format(ownScheme, ownHost, ownPort, pathname + query),
    to: format(
      newScheme,
      host ?? ownHost,
      newPort,
      redirectedPath(path, pathname, prefix) + query,
    ),
  };
}

function redirectedPath(
  path: Redirect["path"],
  pathname: string,
  prefix: number,
): string {
  if (path === null) return pathname;
  if (path.kind === "full") return path.path;
  const rest = pathname.slice(prefix);
  const whole = path.path.replace(/\/$/, "") + rest;
  return whole.startsWith("/") ? whole : `/${whole}`;
}

function format(
  scheme: string,
  host: string,
  port: string,
  path: string,
): string {
  const shown = port === "" || USUAL[scheme] === port ? "" : `:${port}`;
  return `${scheme}://${host}${shown}${path}`;
}
