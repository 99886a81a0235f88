import { isMap, visit } from "yaml";
import { isDeepStrictEqual } from "node:util";
import { type Parsed, parsePart } from "./document.ts";
import { editMap } from "./edit/block.ts";
import { applySplices, type Page } from "./edit/page.ts";
import { isFields } from "../install/inject/workload.ts";
import { renderYaml } from "./render.ts";

/**
 * The text of a document once its value has become `target`. Only lines of fields that differ are touched: all others,
 * comments and spacing included, stay byte for byte. Where that cannot be (JSON and other flow style, aliases) the
 * nearest block around is written anew, at worst the document (docs/decisions/0080).
 */
export function editDocument(parsed: Parsed, target: unknown): string {
  const { part, tree, value } = parsed;
  const { text } = part;
  const page: Page = {
    text,
    newline: text.includes("\r\n") ? "\r\n" : "\n",
    splices: [],
  };
  if (
    isMap(tree) && isFields(value) && isFields(target) &&
    editMap(page, tree, value, target)
  ) {
    const edited = applySplices(page);
    if (!isShared(parsed) || readsAs(parsed, edited, target)) return edited;
  }
  return renderYaml(target).replaceAll("\n", page.newline);
}

/** Whether parts of the document are used twice, so that a change in one place may show in another. */
function isShared({ part, tree }: Parsed): boolean {
  // The walk costs as much as all other editing: not without a star in the text.
  if (!part.text.includes("*")) return false;
  let shared = false;
  visit(tree, {
    Alias: () => {
      shared = true;
      return visit.BREAK;
    },
  });
  return shared;
}

function readsAs({ part }: Parsed, text: string, target: unknown): boolean {
  try {
    return isDeepStrictEqual(parsePart({ ...part, text }).value, target);
  } catch {
    // An alias whose anchor went away: the document is written anew.
    return false;
  }
}
