/** One entry of a container's environment. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly [name: string]: unknown };
}

/** A variable that is always there. */
export function set(name: string, value: string | number | boolean): EnvVar {
  return { name, value: String(value) };
}

/** A variable that is left out, which undefined stands for, when it has nothing to say. */
export function optional(
  name: string,
  value: string | number | undefined,
): EnvVar | undefined {
  return value === undefined || value === "" ? undefined : set(name, value);
}

/** A variable that kubelet takes from a field of the pod. */
export function field(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}
