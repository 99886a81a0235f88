import { stringify } from "yaml";
import { Problem } from "../schemas/problem.ts";

/** A value as YAML that readers of 1.1 and 1.2 understand alike; long lines are not folded. */
export function renderYaml(value: unknown): string {
  return stringify(value, {
    version: "1.1",
    compat: "core",
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
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
