import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { saying } from "../refusal.ts";
import { EXTENSION_LABEL } from "./checks/extension-namespaces.ts";
import { type Executable, listExecutables, runBounded } from "./executable.ts";
import { parseReport } from "./extension-report.ts";
import { WAIT } from "./flags.ts";
import type { CheckOptions } from "./options.ts";
import { type CheckEvent, type CheckResult, hintOf } from "./outcome.ts";
import { NAMESPACES } from "./resources.ts";
import { ATTEMPT_MS, type Run } from "./runner.ts";
import { together } from "./together.ts";

/** What an executable says of itself is a line; a script that says more or thinks longer is no extension. */
const METADATA_MAX_BYTES = 64 * 1024;
const METADATA_MS = 5_000;
/** Linkerd's extension that is part of this control plane. */
const BUILT_IN = "viz";
/** Longer than any report: a thousand checks of a thousand letters. */
const REPORT_MAX_BYTES = 1024 * 1024;

/**
 * Checks of extensions: of those that a namespace is labelled for, and of executables that ask for it. Each is another
 * program, `linkerd-<name> check --output=json`, bounded in time and output.
 */
export async function* runExtensions(
  options: CheckOptions,
  run: Run,
  given: Given,
  world: World,
): AsyncGenerator<CheckEvent> {
  yield { kind: "busy", text: "Looking for extensions" };
  let labelled: readonly string[];
  try {
    labelled = await listLabelled(run);
  } catch (error) {
    yield {
      kind: "result",
      category: "linkerd-extension-checks",
      result: failure("extensions can be found", saying(error), "error"),
    };
    return;
  }
  const there = await listExecutables("linkerd-", world.env["PATH"] ?? "");
  const wanted = await chooseExecutables(there, labelled);
  const args = argumentsOf(options, given);
  for (const executable of wanted) {
    yield {
      kind: "busy",
      text: `Running ${suffixOf(executable)} extension check`,
    };
    yield* runExtension(executable, args, options.waitMs + ATTEMPT_MS);
  }
  for (const name of labelled) {
    const command = `linkerd-${name}`;
    // Ours has been looked at; what Linkerd's left is a check of its own.
    if (name === BUILT_IN) continue;
    if (there.some((executable) => executable.name === command)) continue;
    yield {
      kind: "result",
      category: command,
      result: failure(
        `Linkerd extension command ${command} exists`,
        `exec: "${command}": executable file not found in $PATH`,
        "warning",
      ),
    };
  }
}

async function listLabelled(run: Run): Promise<readonly string[]> {
  const stop = new AbortController();
  const disarm = run.after(ATTEMPT_MS, () => stop.abort());
  try {
    const { list } = run.look(stop.signal, "remembered");
    const namespaces = await list(NAMESPACES, { labels: EXTENSION_LABEL });
    const names = namespaces.map(({ metadata }) =>
      metadata.labels?.[EXTENSION_LABEL] ?? ""
    );
    return [...new Set(names)].sort();
  } finally {
    disarm();
  }
}

/** Executables of labelled namespaces, and those that say they want to be run always. */
async function chooseExecutables(
  there: readonly Executable[],
  labelled: readonly string[],
): Promise<readonly Executable[]> {
  const wants = await together(
    there,
    async (executable) =>
      labelled.includes(suffixOf(executable)) || await isAlways(executable),
  );
  return there.filter((_, at) => wants[at]);
}

async function isAlways({ name, path }: Executable): Promise<boolean> {
  const { stdout } = await runBounded(path, ["_extension-metadata"], {
    timeoutMs: METADATA_MS,
    maxBytes: METADATA_MAX_BYTES,
  });
  try {
    const said = JSON.parse(stdout) as { name?: unknown; checks?: unknown };
    return String(said.name).toLowerCase() === name.toLowerCase() &&
      said.checks === "always";
  } catch {
    return false; // not JSON: it does not know the question
  }
}

/** Flags that lead an extension to the same cluster, and the same part of it. */
function argumentsOf(
  { settings, mode }: CheckOptions,
  given: Given,
): readonly string[] {
  const passed = ["api-addr", "context", "as", "kubeconfig"].flatMap((name) => {
    const value = given.text(name);
    return value ? [`--${name}=${value}`] : [];
  });
  return [
    "check",
    ...passed,
    ...given.list("as-group").map((group) => `--as-group=${group}`),
    `--linkerd-namespace=${settings.namespace}`,
    ...(given.on("verbose") ? ["--verbose=true"] : []),
    ...(settings.dataPlaneNamespace === undefined
      ? []
      : [`--namespace=${settings.dataPlaneNamespace}`]),
    ...(mode === "proxy" ? ["--proxy=true"] : []),
    `--wait=${given.text("wait") ?? WAIT}`,
    "--output=json",
  ];
}

async function* runExtension(
  { name, path }: Executable,
  args: readonly string[],
  timeoutMs: number,
): AsyncGenerator<CheckEvent> {
  const said = await runBounded(path, args, {
    timeoutMs,
    maxBytes: REPORT_MAX_BYTES,
  });
  const line = [path, ...args].join(" ");
  const report = parseReport(said.stdout);
  if ("categories" in report) {
    for (const { categoryName, checks } of report.categories) {
      for (const result of checks) {
        yield { kind: "result", category: categoryName, result };
      }
    }
    return;
  }
  const error = said.ended ?? (said.stderr.trim() ||
    `invalid extension check output from "${line}" (JSON object expected):\n${report.excerpt}\n[${report.error}]`);
  yield {
    kind: "result",
    category: name,
    result: failure(`Running: ${line}`, error, "error"),
  };
}

function failure(
  description: string,
  error: string,
  result: "warning" | "error",
): CheckResult {
  return { description, error, result, hint: hintOf("extensions") };
}

function suffixOf({ name }: Executable): string {
  return name.slice("linkerd-".length);
}
