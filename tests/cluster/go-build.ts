import { Problem } from "../../schemas/problem.ts";

export interface GoBuild {
  /** The folder of `go.mod`. */
  readonly module: string;
  /** The folder that the programs go to. */
  readonly output: string;
  /** Main packages. */
  readonly packages: readonly string[];
  /** Variables for the linker to set, as `package.name=value`. */
  readonly stamps: readonly string[];
  readonly say: (line: string) => void;
}

const PROGRESS_MS = 5_000;
const HINT = "install Go 1.26 or later from https://go.dev/dl " +
  "(any from 1.21 on fetches that by itself; Debian 12 has 1.19)";

/** Builds programs, and says every 5 s how far it is; throws `system.failed` with what the compiler said. */
export async function goBuild(build: GoBuild): Promise<void> {
  const { module, output, packages, stamps, say } = build;
  const flags = ["-s", "-w", ...stamps.map((stamp) => `-X=${stamp}`)];
  const began = performance.now();
  const total = await countPackages(build);
  const child = spawn(module, [
    "build",
    // Names each package once it is compiled.
    "-v",
    "-trimpath",
    `-ldflags=${flags.join(" ")}`,
    "-o",
    `${output}/`,
    ...packages,
  ]);
  let compiled = 0;
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    say(`${seconds} s: compiled ${compiled} of at most ${total} packages`);
  }, PROGRESS_MS);
  const complaints: string[] = [];
  try {
    for await (const line of linesOf(child.stderr)) {
      if (isPackage(line)) compiled++;
      else if (line.startsWith("go: downloading ")) say(line);
      else complaints.push(line);
    }
  } finally {
    clearInterval(progress);
  }
  if (await child.exited !== 0) throw failed(packages, complaints.join("\n"));
}

/** Also fetches what is missing of the modules. */
async function countPackages({ module, packages }: GoBuild): Promise<number> {
  const child = spawn(module, ["list", "-deps", ...packages]);
  const [names, complaint, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw failed(packages, complaint.trim());
  return names.trim().split("\n").length;
}

/** Without C, as Kubernetes releases its programs: they run on any Linux of this processor. */
function spawn(
  module: string,
  args: readonly string[],
): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  const PATH = `${process.env["PATH"] ?? ""}:/usr/local/go/bin`;
  const go = Bun.which("go", { PATH });
  if (go === null) {
    const found = 'found no "go" in PATH or /usr/local/go/bin';
    throw new Problem(
      "system.failed",
      `Cannot build the programs of a cluster: ${found}`,
      { hint: HINT },
    );
  }
  return Bun.spawn([go, ...args], {
    cwd: module,
    env: { ...process.env, CGO_ENABLED: "0" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** An import path alone on its line; complaints have spaces. */
function isPackage(line: string): boolean {
  return /^[\w.~/-]+$/.test(line);
}

async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function failed(packages: readonly string[], complaint: string): Problem {
  return new Problem(
    "system.failed",
    `Cannot build ${packages.join(", ")}: ${complaint}`,
    { hint: HINT },
  );
}
