import { isDeepStrictEqual } from "node:util";
import { type Fields, isFields } from "../../install/inject/workload.ts";
import { FieldProblem } from "../../schemas/kube/field-problem.ts";
import { Problem } from "../../schemas/problem.ts";
import { lineOf, type Parsed, parsePart } from "../document.ts";
import { editDocument } from "../edit.ts";
import {
  type Part,
  placeOf,
  type Source,
  splitDocuments,
} from "../manifest.ts";
import { renderJson } from "../render.ts";

/** What one object becomes, and what there is to say about it. */
export interface Transformed<Finding> {
  readonly object: Fields;
  readonly finding: Finding;
}

/** All documents after a transformation; with any error, nothing is printed but the errors. */
export interface Result<Finding> {
  readonly documents: readonly string[];
  readonly findings: readonly (Finding | null)[];
  readonly errors: readonly string[];
}

export type Format = "yaml" | "json";

/**
 * Transforms every object of every document; the items of a List one by one. A finding is null for a document without a
 * kind. Documents that come out equal keep their text.
 */
export function transformSources<Finding>(
  sources: readonly Source[],
  format: Format,
  verb: string,
  step: (object: Fields) => Transformed<Finding>,
): Result<Finding> {
  const documents: string[] = [];
  const findings: (Finding | null)[] = [];
  const errors: string[] = [];
  for (const source of sources) {
    for (const part of splitSource(source, errors)) {
      try {
        const parsed = parsePart(part);
        const target = transformValue(
          parsed,
          parsed.value,
          [],
          verb,
          step,
          findings,
        );
        documents.push(
          format === "json" ? jsonLine(target) : yamlDocument(parsed, target),
        );
      } catch (thrown) {
        if (!(thrown instanceof Problem)) throw thrown;
        errors.push(thrown.message);
      }
    }
  }
  return { documents, findings, errors };
}

function splitSource(source: Source, errors: string[]): Part[] {
  try {
    return splitDocuments(source);
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    errors.push(thrown.message);
    return [];
  }
}

function transformValue<Finding>(
  parsed: Parsed,
  value: unknown,
  path: readonly (string | number)[],
  verb: string,
  step: (object: Fields) => Transformed<Finding>,
  findings: (Finding | null)[],
): unknown {
  if (value === null || value === undefined) {
    findings.push(null);
    return value;
  }
  const part = parsed.part;
  if (!isFields(value)) {
    throw new Problem(
      "manifest.invalid",
      `${
        placeOf(part, lineOf(parsed, path))
      }: expected an object with apiVersion and kind, found ${
        JSON.stringify(value).slice(0, FOUND_MAX_CHARS)
      }`,
    );
  }
  if (typeof value["kind"] !== "string" || value["kind"] === "") {
    findings.push(null);
    return value;
  }
  const items = value["items"];
  if (value["kind"] === "List" && Array.isArray(items)) {
    const done = items.map((item: unknown, index) =>
      transformValue(
        parsed,
        item,
        [...path, "items", index],
        verb,
        step,
        findings,
      )
    );
    return { ...value, items: done };
  }
  try {
    const { object, finding } = step(value);
    findings.push(finding);
    return object;
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    const at = thrown instanceof FieldProblem
      ? [...path, ...thrown.path]
      : path;
    throw new Problem(
      thrown.code,
      `failed to ${verb} ${describeObject(value)}: ${thrown.message} (${
        placeOf(part, lineOf(parsed, at))
      })`,
      { cause: thrown },
    );
  }
}

/** The longest value that a message repeats. */
const FOUND_MAX_CHARS = 60;

function describeObject(object: Fields): string {
  const metadata = object["metadata"];
  const fields = isFields(metadata) ? metadata : {};
  const name = fields["name"] ?? fields["generateName"] ?? "";
  return `${String(object["kind"]).toLowerCase()}/${String(name)}`;
}

function jsonLine(target: unknown): string {
  // A document of comments alone is nothing in JSON.
  return target === null || target === undefined
    ? ""
    : `${renderJson(target)}\n`;
}

function yamlDocument(parsed: Parsed, target: unknown): string {
  const text = isDeepStrictEqual(parsed.value, target)
    ? parsed.part.text
    : editDocument(parsed, target);
  const newline = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${text}${newline}---\n`;
}
