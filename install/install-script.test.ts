// install.sh against a release on loopback, in every shell that is here.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = join(import.meta.dir, "install.sh");
const SHELLS = [["sh"], ["dash"], ["bash", "--posix"], ["zsh"], [
  "busybox",
  "sh",
]].filter(([name = ""]) => Bun.which(name) !== null);
const PRODUCT =
  "#!/bin/sh\n[ \"$*\" = 'version --client --short' ] && echo 9.8.7\n";
const MACHINE = process.arch === "x64" ? "amd64" : "arm64";
const NAME = `linkerd-${process.platform}-${MACHINE}`;

/** What the release holds, by path; tests change it. */
let files: Record<string, string>;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) => {
    const text = files[new URL(url).pathname];
    return new Response(text, { status: text === undefined ? 404 : 200 });
  },
});
const folder = mkdtempSync(join(tmpdir(), "linkerd-install-"));
const root = join(folder, "a root");
const bin = join(root, "bin");

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  files = {
    [`/v9/${NAME}`]: PRODUCT,
    [`/v9/${NAME}.sha256`]: `${hash(PRODUCT)}  ${NAME}\n`,
  };
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.stop(true);
});

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Pipes the script into a shell, as `curl | sh` does. */
async function install(
  env: Readonly<Record<string, string>> = {},
  shell: readonly string[] = ["sh"],
) {
  const child = Bun.spawn([...shell], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      INSTALLROOT: root,
      LINKERD_RELEASE_URL: `${server.url.origin}/v9/`,
      ...env,
    },
    stdin: Bun.file(SCRIPT),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/** A PATH with only these tools, besides what the script always needs. */
function pathWith(...tools: string[]): string {
  const path = mkdtempSync(join(folder, "path-"));
  const always = ["uname", "mkdir", "mktemp", "rm", "cut", "head", "chmod"];
  for (const tool of ["sh", "mv", "cat", ...always, ...tools]) {
    symlinkSync(Bun.which(tool) ?? "", join(path, tool));
  }
  return path;
}

test.each(SHELLS.map((shell) => [shell.join(" "), shell] as const))(
  "%s takes the script without a complaint and installs with it",
  async (_, shell) => {
    const check = Bun.spawnSync([...shell, "-n", SCRIPT]);
    expect(check.stderr.toString()).toBe("");
    const { code, stdout, stderr } = await install({}, shell);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toBe(
      `Downloading ${server.url.origin}/v9/${NAME}\n` +
        `Installed linkerd 9.8.7 to ${bin}/linkerd\n` +
        "Add it to your PATH, here and in your shell's profile:\n\n" +
        `  export PATH="$PATH:${bin}"\n\nThen: linkerd check --pre\n`,
    );
    expect(readFileSync(join(bin, "linkerd"), "utf8")).toBe(PRODUCT);
    expect(readdirSync(bin)).toEqual(["linkerd"]);
  },
);

test("a folder on PATH already needs no line, and ~/.linkerd2 is the usual one", async () => {
  const usual = join(folder, ".linkerd2", "bin");
  const { stdout } = await install({
    INSTALLROOT: "",
    PATH: `${process.env["PATH"]}:${usual}`,
  });
  expect(stdout).toEndWith(
    `Installed linkerd 9.8.7 to ${usual}/linkerd\nNow: linkerd check --pre\n`,
  );
});

test.each([
  ["wget", "sha256sum"],
  ["curl", "openssl"],
])("%s and %s are enough", async (downloader, hasher) => {
  const { code, stderr } = await install({
    PATH: pathWith(downloader, hasher),
  }, [Bun.which("sh") ?? ""]);
  expect([code, stderr]).toEqual([0, ""]);
});

test("a hash known from elsewhere counts, and not the one beside the file", async () => {
  delete files[`/v9/${NAME}.sha256`];
  expect((await install({ LINKERD_SHA256: hash(PRODUCT) })).code).toBe(0);
  const { stderr } = await install({ LINKERD_SHA256: hash("other") });
  expect(stderr).toContain(`expected ${hash("other")}: nothing was installed`);
});

/** What must not be installed: what is changed, and what is said. */
const REFUSED: readonly (readonly [
  string,
  () => Readonly<Record<string, string>>,
  string,
])[] = [
  ["another file than was hashed", () => {
    files[`/v9/${NAME}`] = `${PRODUCT}# changed\n`;
    return {};
  }, `expected ${hash(PRODUCT)}: nothing was installed`],
  ["a page instead of a hash", () => {
    files[`/v9/${NAME}.sha256`] = "<html>Sign in</html>\n";
    return {};
  }, 'is no SHA-256: "<html>Sign"'],
  ["an empty hash", () => {
    files[`/v9/${NAME}.sha256`] = "";
    return {};
  }, 'is no SHA-256: ""'],
  ["a release without this platform", () => {
    delete files[`/v9/${NAME}`];
    return {};
  }, `cannot download ${server.url.origin}/v9/${NAME}`],
  ["a release without hashes", () => {
    delete files[`/v9/${NAME}.sha256`];
    return {};
  }, `cannot download ${server.url.origin}/v9/${NAME}.sha256`],
  ["a file that does not run", () => {
    const broken = "#!/bin/sh\nexit 1\n";
    files[`/v9/${NAME}`] = broken;
    files[`/v9/${NAME}.sha256`] = `${hash(broken)}\n`;
    return {};
  }, `${NAME} does not run on this machine: nothing was installed`],
  [
    "no address",
    () => ({ LINKERD_RELEASE_URL: "" }),
    "set LINKERD_RELEASE_URL",
  ],
  [
    "an address without encryption",
    () => ({ LINKERD_RELEASE_URL: "http://example.com/v9" }),
    'LINKERD_RELEASE_URL is "http://example.com/v9", expected https://',
  ],
  [
    "an address that only looks like this machine",
    () => ({ LINKERD_RELEASE_URL: "http://127.0.0.1.example.com/v9" }),
    "expected https://",
  ],
  [
    "an address whose name is only a user's",
    () => ({ LINKERD_RELEASE_URL: "http://127.0.0.1:80@example.com/v9" }),
    "expected https://",
  ],
  ["no tool to download with", () => ({
    PATH: pathWith("sha256sum"),
  }), "neither curl nor wget is here"],
  ["no tool to hash with", () => ({
    PATH: pathWith("curl"),
  }), "none of sha256sum, shasum and openssl is here"],
  ["a folder that cannot be made", () => {
    writeFileSync(join(folder, "file"), "");
    return { INSTALLROOT: join(folder, "file") };
  }, "set INSTALLROOT to a folder you may write to"],
];

test.each(REFUSED)(
  "%s is refused, and the older command stays",
  async (_, change, said) => {
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "linkerd"), "older");
    const { code, stderr } = await install(change(), [Bun.which("sh") ?? ""]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(said);
    expect(readFileSync(join(bin, "linkerd"), "utf8")).toBe("older");
    expect(readdirSync(bin)).toEqual(["linkerd"]);
  },
);

test("half of the script does nothing", () => {
  const whole = readFileSync(SCRIPT, "utf8");
  const half = join(folder, "half.sh");
  writeFileSync(half, whole.slice(0, whole.lastIndexOf("main")));
  const { exitCode } = Bun.spawnSync(["sh", half], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      INSTALLROOT: root,
      LINKERD_RELEASE_URL: `${server.url.origin}/v9`,
    },
  });
  expect([exitCode, existsSync(root)]).toEqual([0, false]);
});
