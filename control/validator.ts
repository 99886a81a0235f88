import { FieldProblem } from "../schemas/kube/field-problem.ts";
import { parseManifest } from "../schemas/kube/manifest.ts";
import type { Admission, AdmissionRequest } from "./serve/admission.ts";

/**
 * Judges policies, routes and ServiceProfiles by the rules that the sources hold them to as well: what cannot mean
 * anything is refused; what this version does not act on is admitted with a warning.
 */
export function validate({ object }: AdmissionRequest): Promise<Admission> {
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
}
