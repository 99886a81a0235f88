import { Problem, type ProblemCode } from "../problem.ts";

/** Where in an object: names of fields and indices of lists, from the top. */
export type FieldPath = readonly (string | number)[];

type ManifestCode = ProblemCode & `manifest.${string}`;

/** A manifest's mistake at one field, so that its line can be found. */
export class FieldProblem extends Problem {
  override readonly code: ManifestCode;
  readonly path: FieldPath;

  constructor(
    code: ManifestCode,
    path: FieldPath,
    message: string,
    options: { readonly hint?: string } = {},
  ) {
    super(code, message, options);
    this.code = code;
    this.path = path;
  }

  /** The same mistake, seen from the list or document that holds the object. */
  within(outer: FieldPath): FieldProblem {
    const path = [...outer, ...this.path];
    const hint = this.hint === undefined ? {} : { hint: this.hint };
    return new FieldProblem(this.code, path, this.message, hint);
  }
}

/** A path as people write it: `spec.ports[0].port`, `metadata.labels["a.b/c"]`. */
export function formatPath(path: FieldPath): string {
  return path.map((part, at) => {
    if (typeof part === "number") return `[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
    return at === 0 ? part : `.${part}`;
  }).join("");
}
