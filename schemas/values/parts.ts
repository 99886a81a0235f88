import Type, { type TObject, type TProperties } from "typebox";

/** Small schemas that install values share; each says in words what it wants, for messages. */
export const Text = Type.String({ description: "a string (quote it)" });
export const Flag = Type.Boolean({ description: "true or false" });
export const Seconds = Type.Integer({
  minimum: 0,
  description: "a whole number of seconds",
});
export const UserId = Type.Integer({
  description: "a numeric id; negative for none",
});
export const Texts = Type.Record(Type.String(), Text, {
  description: "a map of names to strings",
});
/** A part of Kubernetes' own vocabulary that is passed on as it is. */
export const KubeObject = Type.Record(Type.String(), Type.Unknown(), {
  description: "a map of fields",
});
/** A number, or a share such as `25%`. */
export const Share = Type.Union([
  Type.Integer({ minimum: 0 }),
  Type.String({ pattern: "^[0-9]+%$" }),
], { description: "a whole number or a percentage such as 25%" });

/** A map with exactly these fields. */
export function Block<Fields extends TProperties>(
  fields: Fields,
): TObject<Fields> {
  return Type.Object(fields, { additionalProperties: false });
}

export const EnvironmentList = Type.Array(
  Block({
    name: Text,
    value: Type.Optional(Text),
    valueFrom: Type.Optional(KubeObject),
  }),
  { description: "a list of Kubernetes EnvVar objects" },
);
const Amount = Block({
  request: Type.Optional(Text),
  limit: Type.Optional(Text),
});
/** Kubernetes quantities of one container; what is left out or empty is not asked for. */
export const ComponentResources = Block({
  cpu: Type.Optional(Amount),
  memory: Type.Optional(Amount),
  "ephemeral-storage": Type.Optional(Amount),
});
/** The same for a control-plane proxy; `cores` is worker threads, deprecated. */
export const ProxyResources = Block({
  ...ComponentResources.properties,
  cores: Type.Optional(Type.Integer({ minimum: 0 })),
});
