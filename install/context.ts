import type { Values } from "../schemas/values.ts";
import type { Metadata } from "./manifest.ts";
import { ANNOTATIONS, LABELS } from "../schemas/names.ts";

/** Certificate and key of what the API server calls, in PEM, and who signed them. */
export interface ServedCertificate {
  readonly crtPEM: string;
  readonly keyPEM: string;
  readonly caBundle: string;
}

/** Blocks of values that are about what the API server calls: webhooks, and the metrics component behind it. */
export type ServedName =
  | "proxyInjector"
  | "profileValidator"
  | "policyValidator"
  | "tap";

/** Everything a control plane is rendered from: the same input gives the same bytes. */
export interface Install {
  /** Complete, with issuer and trust anchors filled in. */
  readonly values: Values;
  readonly namespace: string;
  /** Made for those whose values bring none. */
  readonly served: Readonly<Record<ServedName, ServedCertificate>>;
  /** Hex SHA-256 of the trust anchors, by which pods show what they trust. */
  readonly trustRootSha256: string;
  /** How a value becomes the text of a YAML document: this room knows no format. */
  readonly yaml: (value: unknown) => string;
}

/** What of metadata differs from one object to the next. */
export interface Placing {
  readonly component?: string;
  /** For objects that belong to no namespace. */
  readonly clusterScoped?: true;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Metadata of an object of the control plane. */
export function metadataOf(
  { values, namespace }: Install,
  name: string,
  { component, clusterScoped, labels, annotations }: Placing = {},
): Metadata {
  return {
    name,
    ...(clusterScoped ? {} : { namespace }),
    labels: {
      ...labels,
      ...(component === undefined
        ? {}
        : { [LABELS.controlPlaneComponent]: component }),
      [LABELS.controlPlaneNamespace]: namespace,
      ...values.commonLabels,
    },
    annotations: { [ANNOTATIONS.createdBy]: values.cliVersion, ...annotations },
  };
}

/** The realm of workload identities. */
export function trustDomainOf({ values }: Pick<Install, "values">): string {
  return values.identityTrustDomain || values.clusterDomain;
}

/** Text as a Secret's `data` and a webhook's `caBundle` have it. */
export function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
