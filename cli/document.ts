import {
  Document,
  isNode,
  type ParsedNode,
  parseDocument,
  type Tags,
} from "yaml";
import type { FieldPath } from "../schemas/kube/field-problem.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { countLines, type Part, placeOf } from "./manifest.ts";

/** A document as text, as a tree that knows where in the text it stands, and as plain values. */
export interface Parsed {
  readonly part: Part;
  readonly tree: Document<ParsedNode>;
  readonly value: unknown;
}

/** Parses a document. Throws `manifest.invalid` with file, document and line. */
export function parsePart(part: Part): Parsed {
  const { text } = part;
  try {
    const tree = parseDocument(text, READY);
    const [error] = tree.errors;
    if (error !== undefined) {
      const line = countLines(text, 0, error.pos[0]) + 1;
      throw broken(part, line, MESSAGES[error.code] ?? error.message);
    }
    return { part, tree, value: tree.toJS() };
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown;
    // What yaml throws by itself: aliases that blow up, nesting deeper than the stack.
    throw broken(part, 1, describe(thrown));
  }
}

/** The line of a field in its document, or of the nearest thing around it when it is missing. */
export function lineOf({ part, tree }: Parsed, path: FieldPath): number {
  for (let length = path.length; length >= 0; length--) {
    // deno-lint-ignore no-boolean-literal-for-arguments -- yaml's signature: keep the node, not its value
    const node = tree.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) {
      return countLines(part.text, 0, node.range[0]) + 1;
    }
  }
  return 1;
}

/**
 * YAML as Kubernetes reads it: 1.1 with merge keys, but times and base-60 numbers are text. Text that looks like a
 * boolean only there (`yes`, `on`) is one.
 */
const OPTIONS = {
  version: "1.1",
  prettyErrors: false,
  logLevel: "error",
  customTags: (tags: Tags): Tags =>
    tags.filter((tag) =>
      typeof tag === "string" ||
      !(tag.tag.endsWith(":timestamp") || tag.format === "TIME")
    ),
} as const;

/** The same with its schema made once: making it anew takes a tenth of the time of a small document. */
const READY = { ...OPTIONS, schema: new Document(null, OPTIONS).schema };

const MESSAGES: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS:
    "a second document begins here, expected a line of --- before it",
};

function broken(part: Part, line: number, message: string): Problem {
  return new Problem(
    "manifest.invalid",
    `${placeOf(part, line)}: cannot read YAML: ${message}`,
  );
}
