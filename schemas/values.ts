import type { Static } from "typebox";
import { controlPlaneFields, crdFields } from "./values/control-plane.ts";
import { Block } from "./values/parts.ts";
import { injectionFields } from "./values/proxy.ts";

/** Everything an install can be told, with Linkerd's names (its chart 2.x). */
export const ValuesSchema = Block({
  ...injectionFields,
  ...controlPlaneFields,
  ...crdFields,
});

export type Values = Static<typeof ValuesSchema>;
/** Quantities as a user gives them for one container. */
export type ComponentResources = NonNullable<Values["destinationResources"]>;
/** One webhook's block of values. */
export type WebhookValues = Values["profileValidator"];

/** A part of values, as files and flags give it: nothing has been checked yet. */
export type Overrides = { readonly [key: string]: unknown };
