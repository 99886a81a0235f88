import { type Document, isNode, LineCounter, parseAllDocuments } from "yaml";
import type { KubeObject } from "../../schemas/kube.ts";
import { parseManifest, type Reading } from "../../schemas/kube/manifest.ts";
import {
  type FieldPath,
  FieldProblem,
  formatPath,
} from "../../schemas/kube/field-problem.ts";
import { groupOf } from "../../schemas/kube/parents.ts";
import { describe, Problem, type ProblemCode } from "../../schemas/problem.ts";
import { splitDocuments } from "./split.ts";

/** An object and the line on which it begins. */
export interface Located {
  readonly object: KubeObject;
  readonly line: number;
}

/** Why a file cannot be used, and where to look. */
export interface Fault {
  readonly code: ProblemCode;
  readonly line: number;
  /** Path of the field, such as `spec.ports[0].port`; empty when the text itself is at fault. */
  readonly field: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What one part of a file says; lines count from the part's first. */
export type Parsed =
  | {
    readonly kind: "good";
    readonly objects: readonly Located[];
    /** Objects of kinds that the mesh has no use for. */
    readonly skipped: number;
  }
  | { readonly kind: "broken"; readonly fault: Fault };

/** Parts of a file as parsed before, by their text. */
export type Parts = ReadonlyMap<string, Parsed>;

/**
 * Parses a file of manifests. Parts that `known` has already seen are not parsed again: the time an edit takes depends
 * on the size of the document edited, not of the file (yaml reads about 2.5 MB a second).
 */
export function parseFile(
  text: string,
  known: Parts,
): { readonly parts: Parts; readonly whole: Parsed } {
  const parts = new Map<string, Parsed>();
  const objects: Located[] = [];
  const lines = new Map<string, number>();
  let skipped = 0;
  let fault: Fault | null = null;
  for (const { text: part, line: before } of splitDocuments(text)) {
    const parsed = known.get(part) ?? parsePart(part);
    parts.set(part, parsed);
    if (parsed.kind === "broken") {
      fault ??= { ...parsed.fault, line: parsed.fault.line + before };
      continue;
    }
    skipped += parsed.skipped;
    for (const { object, line } of parsed.objects) {
      const id = idOfObject(object);
      const first = lines.get(id);
      lines.set(id, line + before);
      objects.push({ object, line: line + before });
      if (first !== undefined) fault ??= repeated(id, first, line + before);
    }
  }
  return {
    parts,
    whole: fault === null
      ? { kind: "good", objects, skipped }
      : { kind: "broken", fault },
  };
}

/** What tells objects apart, whichever version of the API they are written in. */
export function idOfObject({ apiVersion, kind, metadata }: KubeObject): string {
  const { name, namespace } = metadata;
  if (kind === "Namespace") return `${kind} ${name}`;
  // The one kind that two groups have.
  const full = kind === "HTTPRoute" ? `${kind}.${groupOf(apiVersion)}` : kind;
  return `${full} ${namespace}/${name}`;
}

function repeated(id: string, first: number, line: number): Fault {
  return {
    code: "manifest.invalid",
    line,
    field: "metadata.name",
    message: `Cannot use ${id}: line ${first} of the same file has it already`,
    hint: "remove one of the two",
  };
}

function parsePart(text: string): Parsed {
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
    });
    const found: Found = { objects: [], skipped: 0 };
    for (const document of "empty" in documents ? [] : documents) {
      collectDocument(document, lines, found);
    }
    return { kind: "good", ...found };
  } catch (thrown) {
    return { kind: "broken", fault: faultOf(thrown) };
  }
}

interface Found {
  readonly objects: Located[];
  skipped: number;
}

/** A mistake on a line: what a `FieldProblem` becomes once its document is known. */
class LineProblem extends Problem {
  readonly line: number;
  readonly field: string;

  constructor(problem: Problem, line: number, field: string) {
    const { code, message, hint } = problem;
    super(code, message, hint === undefined ? {} : { hint });
    this.line = line;
    this.field = field;
  }
}

function collectDocument(
  document: Document,
  lines: LineCounter,
  found: Found,
): void {
  const [error] = document.errors;
  if (error !== undefined) {
    const problem = new Problem(
      "manifest.invalid",
      `Cannot read YAML: ${error.message}`,
    );
    throw new LineProblem(problem, lines.linePos(error.pos[0]).line, "");
  }
  const lineOf = (path: FieldPath) => lineAt(document, path, lines);
  try {
    const value: unknown = document.toJS();
    if (value !== null) collectManifest(value, [], lineOf, found);
  } catch (thrown) {
    if (!(thrown instanceof FieldProblem)) throw thrown;
    const { path } = thrown;
    throw new LineProblem(thrown, lineOf(path), formatPath(path));
  }
}

function collectManifest(
  value: unknown,
  at: FieldPath,
  lineOf: (path: FieldPath) => number,
  found: Found,
): void {
  const reading = parseAt(value, at);
  switch (reading.kind) {
    case "skipped":
      found.skipped++;
      return;
    case "object":
      found.objects.push({ object: reading.object, line: lineOf(at) });
      return;
    case "list":
      for (const [index, item] of reading.items.entries()) {
        collectManifest(item, [...at, "items", index], lineOf, found);
      }
  }
}

function parseAt(value: unknown, at: FieldPath): Reading {
  try {
    return parseManifest(value);
  } catch (thrown) {
    throw thrown instanceof FieldProblem ? thrown.within(at) : thrown;
  }
}

/** The line of a field, or of the nearest thing around it when it is missing. */
function lineAt(
  document: Document,
  path: FieldPath,
  lines: LineCounter,
): number {
  for (let length = path.length; length >= 0; length--) {
    // deno-lint-ignore no-boolean-literal-for-arguments -- yaml's signature: keep the node, not its value
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function faultOf(thrown: unknown): Fault {
  if (thrown instanceof LineProblem) {
    const { code, line, field, message, hint } = thrown;
    return { code, line, field, message, hint };
  }
  // What yaml throws by itself: aliases that blow up, nesting deeper than the stack.
  return {
    code: "manifest.invalid",
    line: 1,
    field: "",
    message: `Cannot read YAML: ${describe(thrown)}`,
    hint: undefined,
  };
}
