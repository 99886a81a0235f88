import { Document, stringify } from "yaml";
import { Problem } from "../schemas/problem.ts";

/** Readers of 1.1 and 1.2 understand it alike; long lines are not folded. */
const OPTIONS = {
  version: "1.1",
  compat: "core",
  lineWidth: 0,
  aliasDuplicateObjects: false,
} as const;

/** The same with its schema made once: making it anew takes longer than writing a few lines. */
const READY = { ...OPTIONS, schema: new Document(null, OPTIONS).schema };

/** A value as YAML. */
export function renderYaml(value: unknown): string {
  return stringify(value, READY);
}

/** A value as one line of JSON. Throws `manifest.invalid` on a number that JSON would round. */
export function renderJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (
      typeof item === "number" && Number.isInteger(item) &&
      !Number.isSafeInteger(item)
    ) {
      throw new Problem(
        "manifest.invalid",
        `Cannot write ${item} as JSON: it has more digits than a number keeps, expected text or -o yaml`,
      );
    }
    return item;
  });
}
