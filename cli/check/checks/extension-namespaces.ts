import { type Category, failed, PASSED } from "../check.ts";
import { NAMESPACES } from "../resources.ts";

/** The label by which extensions mark their namespace. */
export const EXTENSION_LABEL = "linkerd.io/extension";

/** An extension is found by the label of its namespace, so that there can be only one. */
export const EXTENSION_NAMESPACES: Category = {
  name: "linkerd-extension-checks",
  checks: [{
    description: "namespace configuration for extensions",
    anchor: "l5d-extension-namespaces",
    severity: "warning",
    run: async ({ list }) => {
      const byExtension = new Map<string, string[]>();
      const labels = EXTENSION_LABEL;
      for (const { metadata } of await list(NAMESPACES, { labels })) {
        const name = metadata.labels?.[EXTENSION_LABEL] ?? "";
        byExtension.set(name, [
          ...byExtension.get(name) ?? [],
          metadata.name,
        ]);
      }
      const doubled = [...byExtension].filter(([, names]) => names.length > 1);
      if (doubled.length === 0) return PASSED;
      const told = doubled.map(([name, namespaces]) =>
        `\t* label "${EXTENSION_LABEL}=${name}" is present on more than one namespace:\n` +
        namespaces.map((one) => `\t\t* ${one}`).join("\n")
      );
      return failed(
        `some extensions have invalid configuration\n${told.join("\n")}`,
      );
    },
  }],
};
