import { FieldProblem } from "../schemas/kube/field-problem.ts";
import { parseManifest } from "../schemas/kube.ts";
import { readServiceProfile } from "../schemas/service-profile.ts";
import type { Admission, AdmissionRequest } from "./serve/admission.ts";

/** What of an object cannot mean anything is refused; what this version does not act on is admitted with a warning. */
export type Validate = (request: AdmissionRequest) => Promise<Admission>;

/** Policies and routes, by the rules that the sources hold them to as well. */
export const validatePolicy: Validate = judge((object) => {
  parseManifest(object);
});

/** ServiceProfiles. */
export const validateProfile: Validate = judge((object) => {
  readServiceProfile(object);
});

function judge(
  read: (object: AdmissionRequest["object"]) => void,
): Validate {
  return ({ object }) => {
    try {
      read(object);
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
}
