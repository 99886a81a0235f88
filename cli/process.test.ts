// The command as a process, the same suite under `deno run`, with a release's permissions, and as the built file.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../schemas/version.ts";
import { makeServer } from "./certificates/make.ts";
import { PERMISSIONS } from "./executable.mjs";

const ROOT = join(import.meta.dir, "..");
const TESTDATA = join(ROOT, "install", "testdata");
/** Runtimes start slowly on a busy machine. */
const TIMEOUT_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), "linkerd-process-"));
const built = join(folder, "linkerd");
const deno = join(ROOT, "node_modules", ".bin", "deno");
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ["deno run", [
    deno,
    "run",
    "--quiet",
    ...PERMISSIONS,
    join(ROOT, "cli", "main.ts"),
  ]],
  ["the built file", [built]],
];

beforeAll(() => {
  const { exitCode, stderr } = Bun.spawnSync(
    ["node", join(ROOT, "cli", "build.mjs"), "--offline", "--output", built],
    { stderr: "pipe" },
  );
  expect(stderr.toString()).toContain(
    "offline build: deno bundle, bun build --compile",
  );
  expect(exitCode).toBe(0);
}, TIMEOUT_MS);

/** What a page may not lead to. */
const plain = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: () => new Response("kind: Pod\n"),
});
/** Pages of a loopback host whose certificate only those trust who are told to. */
const localhost = makeServer("localhost", Date.now());
const pages = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  tls: { cert: localhost.crtPEM, key: localhost.keyPEM },
  fetch: async ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/leave") {
      return Response.redirect(plain.url.href);
    }
    const page = Bun.file(TESTDATA + pathname);
    return await page.exists()
      ? new Response(page)
      : new Response("", { status: 404 });
  },
});
const trusted = join(folder, "ca.pem");
writeFileSync(trusted, localhost.crtPEM);

afterAll(async () => {
  await Promise.all([pages.stop(true), plain.stop(true)]);
  rmSync(folder, { recursive: true });
});

test("the built file needs nothing around it, and its hash stands beside it", () => {
  const empty = mkdtempSync(join(tmpdir(), "linkerd-empty-"));
  const input = readFileSync(`${TESTDATA}/deployment.input.yml`);
  const ran = Bun.spawnSync([built, "inject", "--ignore-cluster", "-"], {
    cwd: empty,
    env: {},
    stdin: input,
  });
  expect(ran.stdout.toString()).toBe(
    readFileSync(`${TESTDATA}/deployment.golden.yml`, "utf8"),
  );
  rmSync(empty, { recursive: true });
  const check = Bun.spawnSync(["sha256sum", "--check", "linkerd.sha256"], {
    cwd: folder,
  });
  expect(check.stdout.toString()).toBe("linkerd: OK\n");
});

test("install.sh installs the built file, which then runs", async () => {
  const machine = process.arch === "x64" ? "amd64" : process.arch;
  const name = `linkerd-${process.platform}-${machine}`;
  const release = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      new Response(
        Bun.file(url.endsWith(".sha256") ? `${built}.sha256` : built),
        { status: url.includes(`/v1/${name}`) ? 200 : 404 },
      ),
  });
  const root = join(folder, "root");
  const script = Bun.spawn(["sh", join(ROOT, "install", "install.sh")], {
    env: {
      PATH: process.env["PATH"] ?? "",
      INSTALLROOT: root,
      LINKERD_RELEASE_URL: `${release.url.origin}/v1`,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(script.stderr).text()).toBe("");
  expect(await new Response(script.stdout).text()).toContain(
    `Installed linkerd ${VERSION} to ${root}/bin/linkerd\n`,
  );
  const ran = Bun.spawnSync([`${root}/bin/linkerd`, "version", "--client"], {
    env: {},
  });
  expect(ran.stdout.toString()).toBe(`Client version: ${VERSION}\n`);
  await release.stop(true);
}, TIMEOUT_MS);

for (const [name, command] of COMMANDS) {
  describe(name, () => {
    const run = async (
      args: readonly string[],
      options: { input?: string; env?: Record<string, string> } = {},
    ) => {
      const child = Bun.spawn([...command, ...args], {
        cwd: folder,
        env: { HOME: folder, PATH: process.env["PATH"] ?? "", ...options.env },
        stdin: options.input === undefined
          ? "ignore"
          : new Blob([options.input]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [code, stdout, stderr] = await Promise.all([
        child.exited,
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { code, stdout, stderr };
    };

    test("version --client and --short print the version", async () => {
      expect(await run(["version", "--client"]))
        .toEqual({
          code: 0,
          stdout: `Client version: ${VERSION}\n`,
          stderr: "",
        });
      expect((await run(["version", "--client", "--short"])).stdout).toBe(
        `${VERSION}\n`,
      );
    }, TIMEOUT_MS);

    test(
      "inject reads a file and prints manifest and report to their own streams",
      async () => {
        const ran = await run([
          "inject",
          "--ignore-cluster",
          `${TESTDATA}/deployment.input.yml`,
        ]);
        expect(ran).toEqual({
          code: 0,
          stdout: readFileSync(`${TESTDATA}/deployment.golden.yml`, "utf8"),
          stderr: readFileSync(`${TESTDATA}/deployment.report`, "utf8"),
        });
      },
      TIMEOUT_MS,
    );

    test(
      "inject reads https pages of servers it was told to trust",
      async () => {
        const page = `https://localhost:${pages.port}/deployment.input.yml`;
        const args = ["inject", "--ignore-cluster", page];
        const env = { NODE_EXTRA_CA_CERTS: trusted, DENO_CERT: trusted };
        expect(await run(args, { env })).toEqual({
          code: 0,
          stdout: readFileSync(`${TESTDATA}/deployment.golden.yml`, "utf8"),
          stderr: readFileSync(`${TESTDATA}/deployment.report`, "utf8"),
        });
        const stranger = await run(args);
        expect([stranger.code, stranger.stdout]).toEqual([1, ""]);
        expect(stranger.stderr).toStartWith(
          `Error: unable to read URL "${page}": `,
        );
        const none = await run([...args.slice(0, 2), `${page}x`], { env });
        expect([none.code, none.stdout]).toEqual([1, ""]);
        expect(none.stderr).toContain("status code=404");
        const leave = page.replace("deployment.input.yml", "leave");
        const left = await run([...args.slice(0, 2), leave], { env });
        expect([left.code, left.stdout]).toEqual([1, ""]);
        expect(left.stderr).toStartWith("Error: only HTTPS URLs are allowed\n");
      },
      TIMEOUT_MS,
    );

    test(
      "install prints a whole control plane, or nothing and the mistake",
      async () => {
        const ran = await run(["install", "--ignore-cluster", "--ha"]);
        expect([ran.code, ran.stderr]).toEqual([0, ""]);
        const kinds = [...ran.stdout.matchAll(/^kind: (.*)$/gm)].map((
          [, kind],
        ) => kind);
        expect(kinds[0]).toBe("Namespace");
        expect(kinds.filter((kind) => kind === "Deployment").length).toBe(4);
        const wrong = await run([
          "install",
          "--ignore-cluster",
          "--set=proxy.logLevle=debug",
        ]);
        expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
        expect(wrong.stderr).toContain("proxy.logLevel");
      },
      TIMEOUT_MS,
    );

    test("inject --manual and uninject read standard input", async () => {
      const input = readFileSync(`${TESTDATA}/deployment.input.yml`, "utf8");
      const injected = await run([
        "inject",
        "--ignore-cluster",
        "--manual",
        "-",
      ], { input });
      expect(injected.stdout).toBe(
        readFileSync(`${TESTDATA}/deployment.manual.golden.yml`, "utf8"),
      );
      const back = await run(["uninject", "-"], { input: injected.stdout });
      expect(back.stdout).toBe(`${input}---\n`);
      expect(back.stderr).toBe('\ndeployment "storefront" uninjected\n\n');
    }, TIMEOUT_MS);

    test("a thousand Deployments come through a pipe whole", async () => {
      const one = readFileSync(`${TESTDATA}/deployment.input.yml`, "utf8");
      const input = Array.from({ length: 1_000 }, () => one).join("---\n");
      const ran = await run(["inject", "--ignore-cluster", "-"], { input });
      expect(ran.stdout).toBe(
        readFileSync(`${TESTDATA}/deployment.golden.yml`, "utf8").repeat(1_000),
      );
    }, TIMEOUT_MS);

    test(
      "a document cut in half is an error, and nothing is printed",
      async () => {
        const ran = await run(["inject", "--ignore-cluster", "-"], {
          input: "kind: Pod\nmetadata:\n  name: x\n  lab",
        });
        expect([ran.code, ran.stdout]).toEqual([1, ""]);
        expect(ran.stderr).toStartWith(
          "Error transforming resources:\nstandard input, document 1, line 4: ",
        );
      },
      TIMEOUT_MS,
    );

    test(
      "a reader that leaves early is not an error worth a trace",
      async () => {
        const input = Array.from(
          { length: 20_000 },
          () => "kind: Namespace\nmetadata: {name: x}\n",
        ).join("---\n");
        const line = `${
          command.map((part) => `'${part}'`).join(" ")
        } inject --ignore-cluster - | head -1`;
        const child = Bun.spawn(["bash", "-c", line], {
          stdin: new Blob([input]),
          stdout: "pipe",
          stderr: "pipe",
        });
        expect(await new Response(child.stdout).text()).toBe(
          "kind: Namespace\n",
        );
        const stderr = await new Response(child.stderr).text();
        expect(stderr).not.toContain("EPIPE");
        expect(stderr).not.toContain("    at ");
        await child.exited;
      },
      TIMEOUT_MS,
    );

    test(
      "help goes to standard output, mistakes to standard error with exit code 1",
      async () => {
        const help = await run(["inject", "--help"]);
        expect(help.code).toBe(0);
        expect(help.stdout).toStartWith(
          "Add a proxy to the pods of Kubernetes manifests.\n\nUsage:\n",
        );
        const none = await run(["inject"]);
        expect([none.code, none.stdout]).toEqual([1, ""]);
        expect(none.stderr).toStartWith(
          "Error: please specify a kubernetes resource file\nUsage:\n",
        );
        const unknown = await run(["unject"]);
        expect(unknown.code).toBe(1);
        expect(unknown.stderr).toBe(
          `Error: unknown command "unject" for "linkerd"\n\nDid you mean this?\n\tinject\n\nRun 'linkerd --help' for usage.\n`,
        );
      },
      TIMEOUT_MS,
    );

    test(
      "an unknown word runs linkerd-<word>, whose streams and exit code are ours",
      async () => {
        const plugin = join(folder, "linkerd-smi");
        writeFileSync(
          plugin,
          '#!/bin/sh\nread line\necho "$line $*"\nexit 3\n',
        );
        chmodSync(plugin, 0o755);
        const env = { PATH: `${folder}:${process.env["PATH"]}` };
        expect(
          await run(["smi", "install", "--flag"], { env, input: "heard\n" }),
        )
          .toEqual({ code: 3, stdout: "heard install --flag\n", stderr: "" });
        const refused = await run(["--verbose", "smi"], { env });
        expect([refused.code, refused.stderr]).toEqual([
          1,
          "Cannot accept flags before Linkerd extension name\n",
        ]);
      },
      TIMEOUT_MS,
    );

    test(
      "bash completes commands, flags and shells with the script",
      async () => {
        const { stdout } = await run(["completion", "bash"]);
        const complete = (...words: string[]) => {
          const quoted = ["linkerd", ...words].map((word) => `'${word}'`).join(
            " ",
          );
          const script =
            `${stdout}\nCOMP_WORDS=(${quoted}) COMP_CWORD=${words.length}; _linkerd; echo "\${COMPREPLY[*]}"`;
          return Bun.spawnSync(["bash", "-c", script]).stdout.toString().trim();
        };
        expect(complete("uninj")).toBe("uninject");
        expect(complete("inject", "--man")).toBe("--manual");
        expect(complete("completion", "z")).toBe("zsh");
        expect((await run(["completion", "tcsh"])).stderr)
          .toContain(
            "unsupported shell type (must be bash, zsh or fish): tcsh",
          );
      },
      TIMEOUT_MS,
    );
  });
}
