// Prepares a fresh machine for one of the project's commands, with nothing but Node and npm to begin with:
//   node install/setup.mjs demo|test|conformance|cluster|bench|images
// Installs the packages of the lock file and the Debian packages a command needs, says what it does on stderr, and does
// nothing when all is there. Plain JavaScript, because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, "node_modules", ".installed-from");
const POLICY = "/usr/sbin/policy-rc.d";

/** Debian packages, with what each is for. */
const NAMESPACES = ["iproute2", "iptables", "util-linux", "procps", "tcpdump"];
const PACKAGES = {
  demo: [...NAMESPACES, "redis-server"],
  test: [
    ...NAMESPACES,
    "redis-server",
    "postgresql",
    "nginx-light",
    "prometheus",
    "openssl",
    "curl",
    "nghttp2-client",
    "busybox",
    "zsh",
    "fish",
    // The dashboard is looked at in it; with a font, so that pictures are the same everywhere.
    "chromium-headless-shell",
    "fonts-dejavu-core",
  ],
  conformance: [
    ...NAMESPACES,
    "nginx-light",
    "openssl",
    "curl",
    "nghttp2-client",
  ],
  images: ["libcap2-bin"],
  // The rest of what it runs it builds (tests/cluster/programs.ts).
  cluster: [
    ...NAMESPACES,
    "containerd",
    "runc",
    "containernetworking-plugins",
    "libcap2-bin",
    "openssl",
  ],
  bench: [
    ...NAMESPACES,
    "nginx-light",
    "libnginx-mod-stream",
    "haproxy",
    "wrk",
    "nghttp2-client",
    "nghttp2-proxy",
    "openssl",
  ],
};

const command = process.argv[2];
const packages = PACKAGES[command];
if (packages === undefined) {
  fail(
    `expected one of ${Object.keys(PACKAGES).join(", ")}, found "${
      command ?? ""
    }"`,
  );
}
if (process.platform !== "linux") {
  fail(
    `this needs Linux, found ${process.platform}: pods are network namespaces with iptables redirection`,
  );
}
if (process.getuid() !== 0) {
  fail(
    "this needs root: it makes network namespaces and iptables rules in them. Try: sudo npm run " +
      command,
  );
}
installFromLock();
installDebian(packages.filter((name) => !isInstalled(name)));
if (command === "conformance") buildGoTools();

/**
 * Installs what the lock file names, unless that is done already. Not `npm ci`: it insists that the lock names the
 * binaries of every platform, and the registry's copy of some is missing now and then.
 */
function installFromLock() {
  const lock = createHash("sha256").update(
    readFileSync(join(ROOT, "package-lock.json")),
  ).digest("hex");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lock) return;
  say("installing the packages of package-lock.json (npm install)");
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund"]);
  writeFileSync(STAMP, lock);
}

/** Installs Debian packages without letting any of them start a service here. */
function installDebian(missing) {
  if (missing.length === 0) return;
  if (spawnSync("apt-get", ["--version"]).error) {
    fail(
      `this needs ${
        missing.join(", ")
      } (Debian's names): install them, there is no apt-get here`,
    );
  }
  say(`installing ${missing.join(", ")} (apt-get)`);
  const guard = !existsSync(POLICY);
  if (guard) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    run("apt-get", ["update", "-q"]);
    run("apt-get", [
      "install",
      "-q",
      "-y",
      "--no-install-recommends",
      ...missing,
    ]);
  } finally {
    if (guard) rmSync(POLICY);
  }
}

function isInstalled(name) {
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f", "${Status}", name], {
    encoding: "utf8",
  });
  return stdout?.includes("install ok installed") ?? false;
}

/** Builds the test programs that are written in Go, unless they are there; it says itself what it does and needs. */
function buildGoTools() {
  const bun = join(ROOT, "node_modules", ".bin", "bun");
  const { status } = spawnSync(bun, ["tests/tools.ts"], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

/** Runs a command quietly; its output is shown only when it fails. */
function run(name, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    cwd: ROOT,
    env,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  fail(
    `"${name} ${args.join(" ")}" failed: ${
      error?.message ?? `exit code ${status}`
    }`,
  );
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function fail(reason) {
  say(reason);
  process.exit(1);
}
