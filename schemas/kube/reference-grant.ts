import Type from "typebox";
import { Metadata } from "./metadata.ts";
import { strictObject } from "./strict.ts";

const Word = Type.String({ minLength: 1 });

/** A ReferenceGrant (gateway.networking.k8s.io): who of other namespaces may refer to objects of this one. */
export const ReferenceGrantSchema = Type.Object({
  apiVersion: Type.Enum([
    "gateway.networking.k8s.io/v1alpha2",
    "gateway.networking.k8s.io/v1beta1",
    "gateway.networking.k8s.io/v1",
  ]),
  kind: Type.Literal("ReferenceGrant"),
  metadata: Metadata,
  // A misspelled field, such as a name, must not grant more than was meant.
  spec: strictObject({
    from: Type.Array(strictObject({
      group: Type.String(),
      kind: Word,
      namespace: Word,
    })),
    to: Type.Array(strictObject({
      group: Type.String(),
      kind: Word,
      name: Type.Optional(Word),
    })),
  }),
});
