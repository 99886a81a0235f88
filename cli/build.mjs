// Builds the standalone executable:
//   npm run build [-- --offline] [-- --target all|linux-amd64|linux-arm64|darwin-amd64|darwin-arm64] [-- --output FILE]
// The release path is `deno compile`, which downloads Deno's base runtime on first use. `--offline` bundles with Deno and
// compiles with Bun, which needs no download; nobody gets the one when asking for the other. Either way the product is
// run in an empty environment in an empty folder before it is called built, or, made for another platform, looked at.
// Beside it stands its SHA-256, which install/install.sh asks for. Plain JavaScript: Node runs it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { arch, platform, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PERMISSIONS, platformOf } from "./executable.mjs";

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
const { offline, target, output } = readOptions();
/** Removed however the build ends. */
const scratch = mkdtempSync(join(tmpdir(), "linkerd-build-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

for (const one of target === "all" ? Object.keys(TARGETS) : [target]) {
  build(one);
}

function build(target) {
  const made = join(scratch, `linkerd-${target}`);
  if (offline) makeOffline(made);
  else makeRelease(made, target);
  checkPlatform(made, target);
  if (target === HOST) verify(made);
  else say(`not run: it is for ${target}, this is ${HOST}`);
  put(made, placeOf(target));
}

/** A release names its files by what they are for; on its own, the one for this machine is simply the command. */
function placeOf(one) {
  const isCommand = one === HOST && target !== "all";
  return output ?? join(DIST, isCommand ? "linkerd" : `linkerd-${one}`);
}

function put(made, product) {
  mkdirSync(dirname(product), { recursive: true });
  // Copied beside its place and renamed: whoever runs the old one is not disturbed.
  copyFileSync(made, `${product}.new`);
  renameSync(`${product}.new`, product);
  const hash = createHash("sha256").update(readFileSync(product)).digest("hex");
  // As sha256sum writes and checks it.
  writeFileSync(`${product}.sha256`, `${hash}  ${basename(product)}\n`);
  say(
    `made ${product} (${
      offline
        ? "offline build: deno bundle, bun build --compile"
        : "release build: deno compile"
    })`,
  );
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        offline: { type: "boolean", default: false },
        target: { type: "string", default: HOST },
        output: { type: "string" },
      },
    });
    if (!(values.target in TARGETS) && values.target !== "all") {
      fail(
        `cannot build for "${values.target}", expected all or one of ${
          Object.keys(TARGETS).join(", ")
        }`,
      );
    }
    if (values.target === "all" && values.output !== undefined) {
      fail("--output names one file: not with --target all");
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

/**
 * The program with all packages in it; what a command loads when it runs stays a file of its own, or every start would
 * load Node's HTTP and TLS. Compiling main.ts itself would put every package of the repository into the product.
 */
function bundle() {
  const folder = join(scratch, "bundle");
  must("deno", [
    "bundle",
    ...["--quiet", "--minify", "--code-splitting", "--outdir", folder, MAIN],
  ]);
  return join(folder, "main.js");
}

function makeRelease(made, target) {
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
  must("bun", [
    "build",
    "--compile",
    "--splitting",
    "--outfile",
    made,
    bundle(),
  ]);
}

function must(name, args, advice = "") {
  const { status, stdout, stderr } = tool(name, args);
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  fail(`${name} ${args[0]} failed. ${advice}`.trim());
}

/** Nobody may download one platform's file under another's name. */
function checkPlatform(made, target) {
  const file = openSync(made);
  const start = Buffer.alloc(32);
  readSync(file, start);
  closeSync(file);
  const found = platformOf(start);
  if (found !== target) {
    fail(`the product is for ${found ?? "nothing known"}, expected ${target}`);
  }
}

/** Runs the product where nothing can help it: no environment, no files, no runtime in sight. */
function verify(made) {
  const source = readFileSync(join(ROOT, "schemas", "version.ts"), "utf8");
  const version = /VERSION = "([^"]+)"/.exec(source)?.[1];
  check(made, ["version", "--client"], `Client version: ${version}\n`);
  // Of this all is loaded when it runs.
  check(made, ["install", "--ignore-cluster"], "---\napiVersion: v1\n");
}

/** Throws unless the product ends well and what it prints begins so. */
function check(made, args, wanted) {
  const empty = mkdtempSync(join(scratch, "empty-"));
  const { status, stdout, stderr, error } = spawnSync(made, args, {
    cwd: empty,
    env: {},
    encoding: "utf8",
  });
  if (status === 0 && stdout.startsWith(wanted)) return;
  process.stderr.write(stderr ?? "");
  const found = stdout?.slice(0, wanted.length) ?? error?.message;
  fail(
    `the product does not run: ${args.join(" ")} printed ${
      JSON.stringify(found)
    }, expected ${JSON.stringify(wanted)}`,
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
