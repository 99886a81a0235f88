import {
  Document,
  isCollection,
  isNode,
  type Node,
  parseDocument,
  type Schema,
  type Tags,
} from "yaml";
import type { FieldPath } from "../schemas/kube/field-problem.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { countLines, type Part, placeOf } from "./manifest.ts";
import { readPlainDocument } from "./plain/block.ts";

/** A document as text, as a tree that knows where in the text it stands, and as plain values. */
export interface Parsed {
  readonly part: Part;
  readonly tree: Node | null;
  readonly value: unknown;
}

/** Parses a document. Throws `manifest.invalid` with file, document and line. */
export function parsePart(part: Part): Parsed {
  const { text } = part;
  const plain = readPlainDocument(text, SCHEMA);
  if (plain !== null) return { part, tree: plain.node, value: plain.value };
  return parseWhole(part);
}

/** The same for any YAML, and with reasons where it is none. */
export function parseWhole(part: Part): Parsed {
  const { text } = part;
  try {
    const document = parseDocument(text, READY);
    const [error] = document.errors;
    if (error !== undefined) {
      const line = countLines(text, 0, error.pos[0]) + 1;
      throw broken(part, line, MESSAGES[error.code] ?? error.message);
    }
    return { part, tree: document.contents, value: document.toJS() };
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
    const node = length > 0 && isCollection(tree)
      ? tree.getIn(path.slice(0, length), true)
      : tree;
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

/** Its words for numbers and truth, made once: making them anew takes a tenth of the time of a small document. */
export const SCHEMA: Schema = new Document(null, OPTIONS).schema;
const READY = { ...OPTIONS, schema: SCHEMA };

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
