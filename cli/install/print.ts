import type { Manifest } from "../../install/manifest.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Given } from "../flags.ts";
import { renderJson, renderYaml } from "../render.ts";

/** How manifests are printed: documents of YAML, or a line of JSON each. Throws `config.invalid`. */
export function readFormat(given: Given): (manifest: Manifest) => string {
  const format = given.text("output") ?? "yaml";
  switch (format) {
    case "yaml":
      return (manifest) => `---\n${renderYaml(manifest)}`;
    case "json":
      return (manifest) => `${renderJson(manifest)}\n`;
    default:
      throw new Problem("config.invalid", `unsupported format ${format}`);
  }
}
