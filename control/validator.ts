import { FieldProblem } from "../schemas/kube/field-problem.ts";
import { parseManifest } from "../schemas/kube.ts";
import type { Admission, AdmissionRequest } from "./serve/admission.ts";

/** What of an object cannot mean anything is refused; what this version does not act on is admitted with a warning. */
export type Validate = (request: AdmissionRequest) => Promise<Admission>;

/** Policies, routes and ServiceProfiles, by the rules that the sources hold them to as well. */
export const validate: Validate = ({ object }) => {
  try {
    parseManifest(object);
    return Promise.resolve({ allowed: true });
  } catch (error) {
    if (!(error instanceof FieldProblem)) return Promise.reject(error);
    const words = `${error.message}${error.hint ? `; ${error.hint}` : ""}`;
    return Promise.resolve(
      error.code === "manifest.unsupported"
        ? { allowed: true, warnings: [error.message] }
        : { allowed: false, message: words },
    );
  }
};
