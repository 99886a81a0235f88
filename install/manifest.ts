/** A Kubernetes object as it is printed; keys are printed in the order they are written. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The fields that are there: an absent one is not printed at all. */
export function present<T extends Readonly<Record<string, unknown>>>(
  fields: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) =>
    value !== undefined
  );
  return Object.fromEntries(kept) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
