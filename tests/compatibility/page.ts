import {
  otherAnnotationRows,
  podAnnotationRows,
  type Row,
} from "./annotations.ts";
import { flagRows } from "./flags.ts";
import { valueRows } from "./values.ts";

/** The page `docs/compatibility.md`, computed from our own tables and from what settings change. */
export function formatPage(): string {
  const commands = flagRows();
  const pods = podAnnotationRows();
  const others = otherAnnotationRows();
  const values = valueRows();
  const flags = commands.flatMap(({ rows }) => rows);
  return `# What of Linkerd is here

Every flag, annotation and value of Linkerd (edge releases of 2.x, chart and command line), and what has become of it here. \`bun tests/compatibility/main.ts\` writes this page; a test fails when it is stale. Nothing in it is claimed by hand:

- a flag is **done** when our table of commands has it;
- an annotation is tried on a pod, and a value on an install: what it changes in the manifests decides. A change that only reaches variables which our proxy does not read, or refuses, is **not yet**; so is a value that is accepted and changes nothing;
- annotations that the control plane reads are **done** when its code says their name;
- **differs** says why. A wrong annotation or value is an error here that names what is allowed; Linkerd mostly ignores it ([0082](decisions/0082-what-inject-refuses.md)). What an install leaves out is in [0091](decisions/0091-what-an-install-leaves-out.md).

| | done | differs | not yet |
|---|---|---|---|
${tally("Flags", flags)}
${tally("Annotations", [...pods, ...others.flatMap(({ rows }) => rows)])}
${tally("Values", values)}

## Flags
${commands.map(commandTable).join("\n")}
## Annotations
### Of pods and namespaces
${table(pods)}
${
    others.map(({ title, rows }) => `### ${upper(title)}\n${table(rows)}`).join(
      "\n",
    )
  }
## Values
| Name | Default | State | |
|---|---|---|---|
${
    values.map(({ name, otherwise, state, why = "" }) =>
      `| \`${name}\` | ${cell(otherwise)} | ${state} | ${cell(why)} |`
    ).join("\n")
  }
`;
}

function commandTable(
  { command, isThere, rows }: ReturnType<typeof flagRows>[number],
): string {
  const title = command === "" ? "every command" : `linkerd ${command}`;
  const state = isThere ? "" : "The command is not there yet.\n\n";
  return `### ${title}\n${state}${rows.length > 0 ? table(rows) : ""}`;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ name, state, why = "" }) =>
    `| \`${name}\` | ${state} | ${cell(why)} |`
  );
  return `| Name | State | |\n|---|---|---|\n${lines.join("\n")}\n`;
}

function tally(title: string, rows: readonly Row[]): string {
  const count = (state: Row["state"]) =>
    rows.filter((row) => row.state === state).length;
  return `| ${title} | ${count("done")} | ${count("differs")} | ${
    count("not yet")
  } |`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function upper(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
