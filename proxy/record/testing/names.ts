import type { SocketAddress } from "../../../schemas/address.ts";
import type { Meta, ServerMeta } from "../../../schemas/policy.ts";

export const target: SocketAddress = { ip: "10.0.0.7", port: 8080 };
export const server: ServerMeta = {
  group: "policy.linkerd.io",
  kind: "server",
  name: "web",
};
export const route: ServerMeta = {
  group: "",
  kind: "default",
  name: "default",
};
export const authz: ServerMeta = {
  group: "",
  kind: "default",
  name: "all-unauthenticated",
};
export const service: Meta = {
  kind: "resource",
  resource: {
    group: "core",
    kind: "Service",
    name: "web",
    namespace: "shop",
    section: "",
    port: 80,
  },
};
export const defaultRoute: Meta = { kind: "default", name: "http" };
export const endpoint: { readonly labels: Readonly<Record<string, string>> } = {
  labels: { pod: "web-1", namespace: "shop", "zone.name": "a" },
};
export const client = "api.shop.serviceaccount.identity.linkerd.cluster.local";
