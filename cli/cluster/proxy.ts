import net from "node:net";
import { Problem } from "../../schemas/problem.ts";
import type { World } from "../command.ts";

/** The proxy to go through: the kubeconfig's, else the environment's; none for this machine itself. */
export function chooseProxy(
  server: URL,
  configured: string | undefined,
  { env }: Pick<World, "env">,
): URL | undefined {
  if (configured !== undefined) return readProxy(configured);
  const named = server.protocol === "https:"
    ? env["HTTPS_PROXY"] || env["https_proxy"]
    : env["HTTP_PROXY"] || env["http_proxy"];
  if (!named) return undefined;
  const spared = env["NO_PROXY"] || env["no_proxy"] || "";
  return isSpared(server, spared) ? undefined : readProxy(named);
}

function readProxy(text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url !== null && /^(https?|socks5h?):$/.test(url.protocol)) return url;
  throw new Problem(
    "config.invalid",
    `Cannot use proxy "${text}": expected http://, https:// or socks5:// and a host`,
  );
}

/** Whether `NO_PROXY` names a host: by name, by domain, by network, or all of them. */
function isSpared({ hostname, port }: URL, spared: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (host === "localhost" || isLoopback(host)) return true;
  return spared.split(",").map((item) => item.trim()).filter(Boolean).some(
    (item) => {
      if (item === "*" || item === host || item === `${host}:${port}`) {
        return true;
      }
      if (item.includes("/")) return isWithin(host, item);
      return host.endsWith(item.startsWith(".") ? item : `.${item}`);
    },
  );
}

function isLoopback(host: string): boolean {
  return host === "::1" || (net.isIPv4(host) && host.startsWith("127."));
}

function isWithin(host: string, network: string): boolean {
  const family = net.isIP(host);
  if (family === 0) return false;
  const [address = "", bits = ""] = network.split("/");
  if (net.isIP(address) !== family || !/^\d{1,3}$/.test(bits)) return false;
  const list = new net.BlockList();
  const name = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(address, Number(bits), name);
  return list.check(host, name);
}
