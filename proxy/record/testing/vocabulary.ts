/**
 * What a page has, a line for each family and set of labels: name, type, and labels in the order that they are printed in.
 * Left out are those that the control plane chooses (`dst_*`, `rt_*`), `le`, and those that go with a value of `tls`.
 */
export function vocabularyOf(page: string): string[] {
  const lines = new Set<string>();
  let name = "";
  let type = "";
  for (const line of page.split("\n")) {
    const declared = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (declared !== null) [, name = "", type = ""] = declared;
    if (line === "" || line.startsWith("#")) continue;
    const labels = [...line.matchAll(LABEL)].map(([, label = ""]) => label)
      .filter((label, at, all) =>
        !CHOSEN.test(label) && !(all[at - 1] === "tls" && OF_TLS.has(label))
      );
    lines.add([name, type, labels.join(",")].join(" ").trim());
  }
  return [...lines].toSorted();
}

const LABEL = /(\w+)="(?:[^"\\]|\\.)*"/g;
const CHOSEN = /^(?:(?:dst|rt)_.*|le)$/;
const OF_TLS: ReadonlySet<string> = new Set([
  "client_id",
  "server_id",
  "no_tls_reason",
  "sni",
]);

/** The table of every family. */
export async function knownVocabulary(): Promise<string[]> {
  const file = Bun.file(new URL("../testdata/families.txt", import.meta.url));
  return (await file.text()).trim().split("\n");
}
