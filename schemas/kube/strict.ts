import Type, { type TObject, type TProperties } from "typebox";

/**
 * A map of these fields and no others. Elsewhere fields that we do not read are left out; where a field narrows who may
 * call, a misspelled one must not be.
 */
export function strictObject<Fields extends TProperties>(
  fields: Fields,
): TObject<Fields> {
  return Type.Object(fields, { additionalProperties: false });
}

const Name = Type.String({ minLength: 1 });

/** A reference to an object of the same namespace. */
export const LocalRef = strictObject({
  group: Type.Optional(Type.String()),
  kind: Name,
  name: Name,
});

/** A reference to an object, in this namespace unless one is named. */
export const ObjectRef = strictObject({
  ...LocalRef.properties,
  namespace: Type.Optional(Name),
});

/** Clients by where they call from. */
export const Networks = Type.Array(strictObject({
  cidr: Type.String(),
  except: Type.Optional(Type.Array(Type.String())),
}));
