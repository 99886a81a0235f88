// Builds the standalone executable:
//   npm run build [-- --offline] [-- --target linux-amd64|linux-arm64|darwin-amd64|darwin-arm64] [-- --output FILE]
// The release path is `deno compile`, which downloads Deno's base runtime on first use. `--offline` bundles with Deno and
// compiles with Bun, which needs no download; nobody gets the one when asking for the other. Either way the product is
// run in an empty environment in an empty folder before it is called built. Plain JavaScript: Node runs it.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, "dist");
const MAIN = join(ROOT, "cli", "main.ts");

/** What a release is made for, by the names of Go tools; with Deno's names. */
const TARGETS = {
  "linux-amd64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "darwin-amd64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
};
const HOST = `${platform()}-${arch() === "x64" ? "amd64" : arch()}`;
/** What the command does: reads files and streams, asks clusters and pages, runs plugins and credential helpers. */
const PERMISSIONS = [
  "--allow-read",
  "--allow-env",
  "--allow-net",
  "--allow-run",
  "--allow-sys",
];

const { offline, target, output } = readOptions();
/** Removed however the build ends. */
const scratch = mkdtempSync(join(tmpdir(), "linkerd-build-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const made = join(scratch, "linkerd");
if (offline) makeOffline(made);
else makeRelease(made);
if (target === HOST) verify(made);
else say(`not run: it is for ${target}, this is ${HOST}`);
const product = output ??
  join(DIST, target === HOST ? "linkerd" : `linkerd-${target}`);
mkdirSync(dirname(product), { recursive: true });
// Copied beside its place and renamed: whoever runs the old one is not disturbed.
copyFileSync(made, `${product}.new`);
renameSync(`${product}.new`, product);
say(
  `made ${product} (${
    offline
      ? "offline build: deno bundle, bun build --compile"
      : "release build: deno compile"
  })`,
);

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        offline: { type: "boolean", default: false },
        target: { type: "string", default: HOST },
        output: { type: "string" },
      },
    });
    if (!(values.target in TARGETS)) {
      fail(
        `cannot build for "${values.target}", expected one of ${
          Object.keys(TARGETS).join(", ")
        }`,
      );
    }
    if (values.offline && values.target !== HOST) {
      fail(
        `an offline build is for this machine only (${HOST}): other targets need a download`,
      );
    }
    return values;
  } catch (error) {
    fail(error.message);
  }
}

/** One file with all packages in it. Compiling main.ts itself would put every package of the repository into the product. */
function bundle() {
  const file = join(scratch, "linkerd.js");
  must("deno", ["bundle", "--quiet", "--minify", "--output", file, MAIN]);
  return file;
}

function makeRelease(made) {
  must(
    "deno",
    [
      "compile",
      "--no-config",
      ...PERMISSIONS,
      ...["--target", TARGETS[target], "--output", made, bundle()],
    ],
    "Where Deno's base runtime cannot be downloaded: npm run build -- --offline",
  );
}

function makeOffline(made) {
  must("bun", ["build", "--compile", "--outfile", made, bundle()]);
}

function must(name, args, advice = "") {
  const { status, stdout, stderr } = tool(name, args);
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  fail(`${name} ${args[0]} failed. ${advice}`.trim());
}

/** Runs the product where nothing can help it: no environment, no files, no runtime in sight. */
function verify(made) {
  const empty = mkdtempSync(join(scratch, "empty-"));
  const { status, stdout, stderr, error } = spawnSync(made, [
    "version",
    "--client",
  ], { cwd: empty, env: {}, encoding: "utf8" });
  const source = readFileSync(join(ROOT, "schemas", "version.ts"), "utf8");
  const wanted = `Client version: ${/VERSION = "([^"]+)"/.exec(source)?.[1]}\n`;
  if (status === 0 && stdout === wanted) return;
  process.stderr.write(stderr ?? "");
  fail(
    `the product does not run: expected ${JSON.stringify(wanted)}, found ${
      JSON.stringify(stdout ?? error?.message)
    }`,
  );
}

function tool(name, args) {
  return run(join(ROOT, "node_modules", ".bin", name), args);
}

function run(command, args) {
  // DENORT_BIN may name a runtime that ignores what was compiled into it.
  const { DENORT_BIN: _, ...env } = process.env;
  const result = spawnSync(command, args, {
    cwd: ROOT,
    env,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (result.error) {
    fail(
      `cannot run ${command}: ${result.error.message}. Run npm install first`,
    );
  }
  return result;
}

function say(line) {
  process.stderr.write(`build: ${line}\n`);
}

function fail(reason) {
  say(reason);
  process.exit(1);
}
