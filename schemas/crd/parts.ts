import Type, {
  type TObject,
  type TProperties,
  type TSchema,
  type TString,
} from "typebox";

/** RFC 1123 of an API group; empty is the core group. */
const GROUP =
  "^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const KIND = "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$";
/** A DNS label, as most names of Kubernetes are. */
export const LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/** A workload identity, or a wildcard over its parents. */
export const IDENTITY =
  "^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

export const Name = Type.String({ minLength: 1, maxLength: 253 });
export const Label = Type.String({ pattern: LABEL });
export const Group = Type.String({ pattern: GROUP, maxLength: 253 });
export const Kind = Type.String({
  pattern: KIND,
  minLength: 1,
  maxLength: 63,
});
export const NamespaceName = Type.String({
  pattern: LABEL,
  minLength: 1,
  maxLength: 63,
});
export const PortNumber = Type.Integer({
  format: "int32",
  minimum: 1,
  maximum: 65535,
});
export const Networks = Type.Array(Type.Object({
  cidr: Type.String({ description: "An IP network, such as 10.0.0.0/8." }),
  except: Type.Optional(Type.Array(Type.String(), {
    description: "Networks inside it that are left out.",
  })),
}));

const Condition = Type.Object({
  type: Type.String({
    maxLength: 316,
    pattern:
      "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
  }),
  status: Type.Enum(["True", "False", "Unknown"]),
  reason: Type.String({
    minLength: 1,
    maxLength: 1024,
    pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
  }),
  message: Type.String({ maxLength: 32768 }),
  lastTransitionTime: Type.String({ format: "date-time" }),
  observedGeneration: Type.Optional(
    Type.Integer({ format: "int64", minimum: 0 }),
  ),
});

/** Kubernetes' conditions (KEP-1623), one of each type. */
export const Conditions = byKey(Condition, "type", { maxItems: 8 });

/** A text that is this one when left out. */
export function withDefault(schema: TString, value: string): TString {
  return Type.String({ ...schema, default: value });
}

/** A list in which each item is known by one of its fields, so that several writers can share it. */
export function byKey(
  items: TSchema,
  key: string,
  limits: { readonly minItems?: number; readonly maxItems?: number } = {},
): TSchema {
  return Type.Array(items, {
    ...limits,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": [key],
  });
}

/** A map of fields of which exactly one of these is to be there. */
export function oneOfFields<Fields extends TProperties>(
  names: readonly string[],
  fields: Fields,
): TObject<Fields> {
  return Type.Object(fields, {
    oneOf: names.map((name) => ({ required: [name] })),
  });
}

/** A reference to an object of the same namespace. */
export const LocalRef = Type.Object({
  group: Type.Optional(Group),
  kind: Kind,
  name: Name,
});

/** A reference to an object, in this namespace unless one is named. */
export const ObjectRef = Type.Object({
  ...LocalRef.properties,
  namespace: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
});
