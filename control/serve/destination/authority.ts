import { formatIp, parseHostPort, parseIp } from "../../../schemas/address.ts";
import { CLUSTER_SET_DOMAIN } from "../../../schemas/names.ts";
import type { ObjectName } from "../../views.ts";

/** What a path such as `web.shop.svc.cluster.local:80` asks for. */
export type Authority =
  | { readonly kind: "address"; readonly ip: string; readonly port: number }
  | Named & { readonly kind: "service" }
  /** Of the cluster set's domain instead of the cluster's. */
  | Named & { readonly kind: "import" }
  | { readonly kind: "invalid" };

interface Named {
  readonly service: ObjectName;
  /** The endpoint's own name, of `<hostname>.<service>.<namespace>.svc.<domain>`. */
  readonly hostname: string | null;
  readonly port: number;
}

/** The port of an authority that names none (HTTP's). */
const DEFAULT_PORT = 80;

/** Reads an authority; names are complete ones of this cluster, without search domains. */
export function parseAuthority(text: string, clusterDomain: string): Authority {
  const parts = parseHostPort(text, DEFAULT_PORT);
  if (parts === null) return { kind: "invalid" };
  const { host, port } = parts;
  const bytes = parseIp(host);
  if (bytes !== null) return { kind: "address", ip: formatIp(bytes), port };
  const kind = host.endsWith(`.svc.${clusterDomain}`) ? "service" : "import";
  const domain = kind === "service" ? clusterDomain : CLUSTER_SET_DOMAIN;
  const suffix = `.svc.${domain}`;
  if (!host.endsWith(suffix)) return { kind: "invalid" };
  const labels = host.slice(0, -suffix.length).split(".");
  if (labels.includes("") || labels.length < 2 || labels.length > 3) {
    return { kind: "invalid" };
  }
  const [namespace = "", name = "", hostname = null] = labels.reverse();
  return { kind, service: { namespace, name }, hostname, port };
}
