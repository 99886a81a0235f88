import Type from "typebox";
import { Metadata } from "./metadata.ts";

/** A Namespace: its annotations hold for the Pods and Services in it that do not have their own. */
export const NamespaceSchema = Type.Object({
  apiVersion: Type.Literal("v1"),
  kind: Type.Literal("Namespace"),
  metadata: Metadata,
});
