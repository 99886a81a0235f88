/** A schema as `apiextensions.k8s.io/v1` takes it. */
export type Structural = Readonly<Record<string, unknown>>;

/**
 * JSON Schema, as TypeBox has it, to Kubernetes' structural form: no references, every value with its type, maps by
 * `additionalProperties`, and "a number or a text" in Kubernetes' own words. Keys it does not know pass as they are.
 */
export function toStructural(schema: Structural): Structural {
  const { anyOf, const: only, patternProperties, ...rest } = schema;
  if (anyOf !== undefined) {
    // The one choice between types that Kubernetes can hold.
    return { ...rest, "x-kubernetes-int-or-string": true };
  }
  if (only !== undefined) return { ...rest, type: typeof only, enum: [only] };
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key === "additionalProperties" && value === false) continue;
    if (key === "required" && (value as unknown[]).length === 0) continue;
    if (key === "properties") {
      if (Object.keys(value as Structural).length === 0) continue;
      result[key] = Object.fromEntries(
        Object.entries(value as Record<string, Structural>).map((
          [name, field],
        ) => [name, toStructural(field)]),
      );
    } else if (key === "items") result[key] = toStructural(value as Structural);
    else result[key] = value;
  }
  const [values] = Object.values(
    (patternProperties ?? {}) as Record<string, Structural>,
  );
  if (values !== undefined) {
    result["additionalProperties"] = toStructural(values);
  }
  if (rest["type"] === undefined && Array.isArray(rest["enum"])) {
    result["type"] = typeof rest["enum"][0];
  }
  return result;
}
