import { statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");

/** A program that cases of whole processes run; null where there is none on this machine. */
export interface Program {
  readonly name: string;
  readonly find: (
    folder: string,
    log: (line: string) => void,
  ) => string | null;
}

/** Every program, in the order of the tables. */
export const PROGRAMS: readonly Program[] = [
  { name: "ours", find: (folder, log) => build(folder, log, "--offline") },
  // Its base runtime is a download, which not every place allows.
  { name: "ours-release", find: (folder, log) => build(folder, log) },
  { name: "kubectl", find: findKubectl },
];

/** Builds our command into a folder. */
function build(
  folder: string,
  log: (line: string) => void,
  ...flags: string[]
): string | null {
  const product = join(folder, ["linkerd", ...flags].join(""));
  const { exitCode, stderr } = Bun.spawnSync([
    "node",
    join(ROOT, "cli", "build.mjs"),
    ...["--output", product, ...flags],
  ], { stderr: "pipe" });
  log(stderr.toString().trimEnd().split("\n").at(-1) ?? "");
  return exitCode === 0 ? product : null;
}

/** The kubectl that `npm run cluster` built last, else the machine's. */
function findKubectl(): string | null {
  const built = [
    ...new Bun.Glob(".cache/cluster-programs/*/kubectl")
      .scanSync({ cwd: ROOT, dot: true, absolute: true }),
  ].sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return built[0] ?? Bun.which("kubectl");
}
