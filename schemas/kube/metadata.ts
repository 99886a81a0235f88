import Type from "typebox";

/** Kubernetes' limit on names that are DNS subdomains (RFC 1123). */
const NAME_MAX_CHARS = 253;

const Name = Type.String({
  pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
  maxLength: NAME_MAX_CHARS,
  description: "a name of lower-case letters, digits, dashes and dots",
});

const Texts = Type.Record(
  Type.String(),
  Type.String({
    description: "a string (quote it)",
  }),
);

/** What names and describes an object. */
export const Metadata = Type.Object({
  name: Name,
  namespace: Type.Optional(Name),
  labels: Type.Optional(Texts),
  annotations: Type.Optional(Texts),
  creationTimestamp: Type.Optional(Type.String()),
  deletionTimestamp: Type.Optional(Type.String()),
  ownerReferences: Type.Optional(Type.Array(Type.Object({
    kind: Type.String(),
    name: Type.String(),
  }))),
});

/** A port number that traffic can go to. */
export const Port = Type.Integer({
  minimum: 1,
  maximum: 65535,
  description: "a whole number from 1 to 65535",
});

/** Transport protocol of a port; the mesh handles TCP only. */
export const Transport = Type.Optional(Type.Enum(["TCP", "UDP", "SCTP"]));
