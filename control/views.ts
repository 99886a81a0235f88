import type { Endpoint, EndpointSet } from "../schemas/destination.ts";
import type { ProfileRouting } from "../schemas/profile.ts";

/** Names an object: its namespace and name. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Which endpoints a caller asks for. */
export interface EndpointsQuery {
  /** Whose endpoints: a Service's, if nothing is said, or a ServiceImport's. */
  readonly kind?: "service" | "import";
  readonly service: ObjectName;
  readonly port: number;
  /** Only the endpoint of this hostname (`<hostname>.<service>`); null: all. */
  readonly hostname: string | null;
  /** The caller's node, for Services whose traffic stays on it; null: unknown. */
  readonly nodeName: string | null;
}

export type EndpointsAnswer =
  | { readonly kind: "known"; readonly endpoints: EndpointSet }
  /** No such Service or ServiceImport. */
  | { readonly kind: "absent" }
  /** A DNS name elsewhere, without endpoints. */
  | { readonly kind: "external" };

/** Whose profile a caller asks for, and from which namespace: the caller's may have a ServiceProfile of its own. */
export type ProfileQuery = ProfileTarget & {
  readonly clientNamespace: string | null;
};

type ProfileTarget =
  | { readonly kind: "address"; readonly ip: string; readonly port: number }
  | {
    readonly kind: "service";
    readonly service: ObjectName;
    readonly port: number;
    readonly hostname: string | null;
  };

export type ProfileAnswer =
  | {
    readonly kind: "service";
    readonly service: ObjectName;
    readonly port: number;
    readonly opaque: boolean;
    readonly routing: ProfileRouting;
  }
  | {
    readonly kind: "endpoint";
    readonly endpoint: Endpoint;
    readonly opaque: boolean;
  }
  /** A Service that does not declare the port. */
  | { readonly kind: "undeclared" }
  | { readonly kind: "absent" }
  | { readonly kind: "external" }
  /** Several objects claim the address. */
  | { readonly kind: "ambiguous"; readonly claims: readonly string[] };

/** How a caller may ask for client policy: by the address it dialled or by the name of a Service or ServiceImport. */
export type ClientPolicyQuery =
  & {
    readonly port: number;
    /** Routes of which are for it alone; null: unknown. */
    readonly clientNamespace: string | null;
  }
  & (
    | { readonly kind: "address"; readonly ip: string }
    | { readonly kind: "service" | "import"; readonly service: ObjectName }
  );

/** Which port of which workload a server policy is for. */
export type ServerPolicyQuery = WorkloadName & { readonly port: number };

/** A Pod or an ExternalWorkload. */
export type WorkloadName =
  | { readonly pod: ObjectName }
  | { readonly external: ObjectName };

/** Whether an endpoint is still what it was; the index gives the same object for most that are. */
export function sameEndpoint(a: Endpoint, b: Endpoint | undefined): boolean {
  return a === b || Bun.deepEquals(a, b);
}
