import type { SocketAddress } from "../../schemas/address.ts";
import { formatAddress } from "../../schemas/address.ts";
import type { Meta, Resource, ServerMeta } from "../../schemas/policy.ts";

/** Pairs of label name and value, in printed order. */
export type Labels = readonly (readonly [string, string])[];

/**
 * Characters of one label value; longer ones are cut and end in `...`. Room for any DNS name with a port (259) and for
 * usual SPIFFE ids, while one hostile Host or SNI cannot fill the page.
 */
export const LABEL_VALUE_MAX = 512;

/** Label text as it stands between braces, with values escaped: `direction="inbound",peer="src"`. */
export function formatLabels(labels: Labels): string {
  return labels.map(([name, value]) => `${name}="${escape(value)}"`).join(",");
}

/** Label texts put behind each other; empty ones are left out. */
export function joinLabels(...texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join(",");
}

/** How a connection is protected, from the side of whoever counts it. */
export type TlsStatus =
  /** Accepted with mutual TLS; null: the client showed no certificate. */
  | { readonly kind: "accepted"; readonly clientId: string | null }
  /** Dialled with mutual TLS. */
  | { readonly kind: "dialled"; readonly serverId: string }
  | { readonly kind: "none"; readonly reason: NoTlsReason }
  /** The application's own TLS, passed through. */
  | { readonly kind: "opaque"; readonly sni: string }
  | { readonly kind: "disabled" };

export type NoTlsReason =
  | "loopback"
  | "port_skipped"
  | "no_tls_from_remote"
  | "not_provided_by_service_discovery"
  | "ingress-without-override";

/** `tls` and the label that goes with its value. */
export function tlsLabels(tls: TlsStatus): string {
  switch (tls.kind) {
    case "accepted":
      return formatLabels([["tls", "true"], ["client_id", tls.clientId ?? ""]]);
    case "dialled":
      return formatLabels([["tls", "true"], ["server_id", tls.serverId]]);
    case "none":
      return formatLabels([
        ["tls", "no_identity"],
        ["no_tls_reason", tls.reason],
      ]);
    case "opaque":
      return formatLabels([["tls", "opaque"], ["sni", tls.sni]]);
    case "disabled":
      return formatLabels([["tls", "disabled"]]);
  }
}

/** `target_addr`, `target_ip`, `target_port`: the server's side of a connection. */
export function targetLabels(target: SocketAddress): string {
  return formatLabels([
    ["target_addr", formatAddress(target)],
    ["target_ip", target.ip],
    ["target_port", String(target.port)],
  ]);
}

/** `srv_*`: the Server or default that governs an inbound port. */
export function serverLabels(server: ServerMeta, port: number): string {
  return joinLabels(
    metaLabels("srv", server),
    formatLabels([["srv_port", String(port)]]),
  );
}

/** `<prefix>_group`, `_kind`, `_name`: for the prefixes `srv`, `route` and `authz`. */
export function metaLabels(
  prefix: "srv" | "route" | "authz",
  meta: ServerMeta,
): string {
  return formatLabels([
    [`${prefix}_group`, meta.group],
    [`${prefix}_kind`, meta.kind],
    [`${prefix}_name`, meta.name],
  ]);
}

/** `parent_*`: the resource whose policy outbound traffic follows. */
export function parentLabels(meta: Meta): string {
  return resourceLabels("parent", meta);
}

/** `backend_*`: where a route sends. */
export function backendLabels(meta: Meta): string {
  return resourceLabels("backend", meta);
}

/** `route_group`, `route_kind`, `route_namespace`, `route_name`: the outbound route taken. */
export function routeLabels(meta: Meta): string {
  const resource = resourceOf(meta);
  return formatLabels([
    ["route_group", resource.group],
    ["route_kind", resource.kind],
    ["route_namespace", resource.namespace],
    ["route_name", resource.name],
  ]);
}

/** `dst_*`: what the control plane says of an endpoint, sorted by name; characters no label may have become `_`. */
export function endpointLabels(
  labels: Readonly<Record<string, string>>,
): string {
  return formatLabels(
    Object.keys(labels).sort().map((name) => [
      `dst_${name.replace(/[^a-zA-Z0-9_]/g, "_")}`,
      labels[name] ?? "",
    ]),
  );
}

function resourceLabels(prefix: string, meta: Meta): string {
  const resource = resourceOf(meta);
  return formatLabels([
    [`${prefix}_group`, resource.group],
    [`${prefix}_kind`, resource.kind],
    [`${prefix}_namespace`, resource.namespace],
    [`${prefix}_name`, resource.name],
    [`${prefix}_port`, resource.port === 0 ? "" : String(resource.port)],
    [`${prefix}_section_name`, resource.section],
  ]);
}

function resourceOf(meta: Meta): Resource {
  if (meta.kind === "resource") return meta.resource;
  return {
    group: "",
    kind: "default",
    name: meta.name,
    namespace: "",
    section: "",
    port: 0,
  };
}

/** Escapes of the text format: backslash, quote and line feed. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
};

function escape(value: string): string {
  const bounded = value.length > LABEL_VALUE_MAX
    ? `${value.slice(0, LABEL_VALUE_MAX)}...`
    : value;
  return /[\\"\n]/.test(bounded)
    ? bounded.replace(/[\\"\n]/g, (found) => ESCAPES[found] ?? found)
    : bounded;
}
