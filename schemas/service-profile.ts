import type { Static } from "typebox";
import { toProblem } from "./kube/mistake.ts";
import { mistakesOfServiceProfile } from "./kube/rules/service-profile.ts";
import { ServiceProfileSchema } from "./kube/service-profile.ts";
import { createValidator } from "./kube/validate.ts";

export type ServiceProfile = Static<typeof ServiceProfileSchema>;

const read = createValidator(ServiceProfileSchema);

/** Reads a ServiceProfile; throws a `FieldProblem` at the first mistake. */
export function readServiceProfile(value: unknown): ServiceProfile {
  const profile = read(value, "ServiceProfile");
  const [first] = mistakesOfServiceProfile(profile);
  if (first !== undefined) throw toProblem(first, "ServiceProfile");
  return profile;
}
