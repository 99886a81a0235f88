import type { TSchema } from "typebox";

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
}

/** One served version of a kind. */
export interface CrdVersion {
  readonly name: string;
  readonly spec: TSchema;
  readonly status?: TSchema;
  /** Status is written through its own subresource. */
  readonly hasStatusSubresource?: true;
  readonly columns?: readonly PrinterColumn[];
  /** What the API server warns of at each use. */
  readonly deprecation?: string;
}

/** A kind that the mesh adds to Kubernetes; the last version is the one stored. */
export interface CrdDefinition {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly versions: readonly CrdVersion[];
}

/** When an object was made, as `kubectl get` shows it. */
export const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
};
