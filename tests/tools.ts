// Programs that the field tests HTTP/2, gRPC and OTLP with, in Go: `bun tests/tools.ts` builds those that are missing.
import { mkdir, rename } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Problem } from "../schemas/problem.ts";

/** The main package of each; versions are pinned in `tools/go.mod` and `tools/go.sum`. */
const PACKAGES = {
  "h2spec": "github.com/summerwind/h2spec/cmd/h2spec",
  "grpc-client": "google.golang.org/grpc/interop/client",
  "grpc-server": "google.golang.org/grpc/interop/server",
  "otlp-reader": "./otlp-reader",
} as const;

export type GoTool = keyof typeof PACKAGES;

/** Building all of them takes 70 s on two cores, and as long again for downloads on a slow line. */
export const BUILD_TIMEOUT_MS = 600_000;

const ROOT = resolve(import.meta.dir, "..");
const MODULE = `${ROOT}/tests/tools`;

/** Path of a program below the repository's root, which is where pods run; builds it when these versions are missing. */
export async function goTool(name: GoTool): Promise<string> {
  const path = `.cache/go-tools/${await fingerprint()}/${name}`;
  if (await Bun.file(`${ROOT}/${path}`).exists()) return path;
  process.stderr.write(`tools: building ${name} (go build)\n`);
  const draft = `${ROOT}/${path}.${process.pid}`;
  await mkdir(dirname(draft), { recursive: true });
  await build(draft, PACKAGES[name]);
  await rename(draft, `${ROOT}/${path}`);
  return path;
}

/** Another whenever a version changes, or what we have written ourselves. */
async function fingerprint(): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const file of ["go.mod", "go.sum", "otlp-reader/main.go"]) {
    hasher.update(await Bun.file(`${MODULE}/${file}`).bytes());
  }
  return hasher.digest("hex").slice(0, 12);
}

async function build(output: string, main: string): Promise<void> {
  const go = Bun.which("go", {
    PATH: `${process.env["PATH"] ?? ""}:/usr/local/go/bin`,
  });
  const hint = "install Go 1.26 or later from https://go.dev/dl " +
    "(any from 1.21 on fetches that by itself; Debian 12 has 1.19)";
  if (go === null) {
    throw new Problem(
      "system.failed",
      `Cannot build ${main}: found no "go" in PATH or /usr/local/go/bin`,
      { hint },
    );
  }
  const child = Bun.spawn([go, "build", "-o", output, main], {
    cwd: MODULE,
    stdout: "inherit",
    stderr: "pipe",
  });
  const [complaint, code] = await Promise.all([
    child.stderr.text(),
    child.exited,
  ]);
  if (code === 0) return;
  throw new Problem(
    "system.failed",
    `Cannot build ${main}: ${complaint.trim()}`,
    { hint },
  );
}

if (import.meta.main) {
  try {
    for (const name of Object.keys(PACKAGES)) await goTool(name as GoTool);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`tools: ${error.message}; ${error.hint ?? ""}\n`);
    process.exitCode = 1;
  }
}
