// What is shown on the whole terminal, on a pseudo-terminal, under both runtimes.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { InboundRow } from "../../schemas/stats.ts";
import { PERMISSIONS } from "../../cli/executable.mjs";
import { startTapServer, tell } from "../../cli/viz/testing/tap-server.ts";
import {
  openTerminal,
  type TestTerminal,
} from "../../cli/viz/testing/terminal.ts";

const ROOT = join(import.meta.dir, "../..");
const MAIN = join(ROOT, "cli", "main.ts");
const CRASH = join(ROOT, "cli/viz/testing/crash.ts");
const TIMEOUT_MS = 60_000;

/** Deno itself: what npm installs is a program that starts it, and does not hand signals on. */
const deno = Bun.spawnSync([
  join(ROOT, "node_modules", ".bin", "deno"),
  "eval",
  "console.log(Deno.execPath())",
]).stdout.toString().trim();
const RUNTIMES = [
  ["bun", [process.execPath]],
  ["deno", [deno, "run", "--quiet", ...PERMISSIONS]],
] as const;

const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/** Two requests at once, and then one after the other until somebody goes. */
async function* forever(signal: AbortSignal) {
  for (let stream = 0; !signal.aborted; stream++) {
    yield* tell({ stream, path: stream % 3 === 0 ? "/cart" : "/books" });
    if (stream > 2) await Bun.sleep(20);
  }
}

const taps = startTapServer(forever);
afterAll(() => taps.close());

let terminal: TestTerminal | undefined;
afterEach(async () => {
  terminal?.child.kill("SIGKILL");
  await terminal?.child.exited;
  terminal?.close();
  terminal = undefined;
});

function open(
  command: readonly string[],
  size: readonly [number, number] = [100, 24],
): TestTerminal {
  terminal = openTerminal(command, size);
  return terminal;
}

const TOP = ["viz", "top", "deploy/web", "--api-addr", taps.address];

for (const [name, runtime] of RUNTIMES) {
  describe(name, () => {
    test(
      "top fills the terminal, scrolls, fits itself to it, and ends with q",
      async () => {
        const { screen, until, type, resize, written, child } = open(
          [...runtime, MAIN, ...TOP],
          [100, 24],
        );
        await until(() => screen().length === 6);
        expect(written()).toContain(ENTER);
        expect(screen().slice(0, 4)).toEqual([
          "(press q to quit)",
          "(press a/LeftArrowKey to scroll left, d/RightArrowKey to scroll right)",
          "",
          "Source  Destination  Method  Path    Count  Best  Worst  Last  Success Rate",
        ]);
        expect(written()).toContain("\x1b[1mSource ");
        expect(screen()[4]).toMatch(/^web-1 {3}api-1 {8}GET {5}\/books +\d+ /);

        resize(30, 5);
        await until(() => screen().length === 5 && screen()[0]?.length === 17);
        await until(() => screen()[3] === "Source  Destination  Method  P");
        expect(screen()[1]).toBe("(press a/LeftArrowKey to scrol");
        // What is cleared behind a full line would be its last character.
        expect(written()).not.toContain("to scrol\x1b[K");
        for (const right of ["d", "\x1b[C", "\x1bOC"]) type(right);
        await until(() => screen()[3] === "tion  Method  Path    Count  B");
        type("a\x1b[D");
        await until(() => screen()[3] === "e  Destination  Method  Path");
        type("d".repeat(50));
        await until(() => screen()[3]?.endsWith("  Success Rate") === true);

        type("q");
        expect(await child.exited).toBe(0);
        await until(() => written().trimEnd().endsWith(LEAVE));
      },
      TIMEOUT_MS,
    );

    test.each([
      ["Ctrl-C", 0],
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGHUP", 129],
    ])("%s gives the terminal back, and ends with %i", async (how, code) => {
      const { screen, until, type, written, child } = open(
        [...runtime, MAIN, ...TOP],
      );
      await until(() => screen().length === 6);
      if (how === "Ctrl-C") type("\x03");
      else child.kill(how as NodeJS.Signals);
      expect(await child.exited).toBe(code);
      await until(() => written().trimEnd().endsWith(LEAVE));
    }, TIMEOUT_MS);

    test("a closed window ends it, and the tap", async () => {
      const { screen, until, close, child } = open([...runtime, MAIN, ...TOP]);
      await until(() => screen().length === 6);
      const before = taps.open();
      close();
      await child.exited;
      while (taps.open() === before) await Bun.sleep(10);
    }, TIMEOUT_MS);

    test(
      "the end of the stream is said on the terminal as it was",
      async () => {
        const server = startTapServer(() => tell({ stream: 1 }));
        try {
          const { until, written, child } = open(
            [
              ...runtime,
              MAIN,
              ...TOP.slice(0, 3),
              "--api-addr",
              server.address,
            ],
          );
          expect(await child.exited).toBe(0);
          await until(() => written().includes("Tap stream terminated"));
          expect(written().split(LEAVE)[1]).toContain("Tap stream terminated");
        } finally {
          await server.close();
        }
      },
      TIMEOUT_MS,
    );

    test.each(["t", "r"])(
      "a program that fails by %s gives the terminal back before it says why",
      async (how) => {
        const { screen, until, type, written, child } = open(
          [...runtime, CRASH],
        );
        await until(() => screen()[0] === "about to fail");
        type(how);
        expect(await child.exited).toBe(1);
        await until(() => written().includes("nobody catches this"));
        expect(written().split(LEAVE)[1]).toContain("nobody catches this");
      },
      TIMEOUT_MS,
    );

    test("so does one that just exits", async () => {
      const { screen, until, type, written, child } = open(
        [...runtime, CRASH],
      );
      await until(() => screen()[0] === "about to fail");
      type("e");
      expect(await child.exited).toBe(7);
      await until(() => written().includes(LEAVE));
    }, TIMEOUT_MS);

    test(
      "--watch redraws in place, says what fails, and leaves the last answer",
      async () => {
        let answers = 0;
        const server = Bun.serve({
          port: 0,
          hostname: "127.0.0.1",
          fetch: () =>
            ++answers === 2
              ? Response.json({ message: "not \u001b[2J now" }, { status: 503 })
              : Response.json({ rows: [rowOf(answers)] }),
        });
        try {
          const { screen, until, type, written, child } = open([
            ...[...runtime, MAIN, "viz", "authz", "deploy/web", "--watch"],
            ...["--api-addr", `127.0.0.1:${server.port}`],
          ], [110, 10]);
          await until(() => screen()[3]?.startsWith("reads-1 ") === true);
          expect(screen().slice(0, 2)).toEqual([
            "every 2s (press q to quit)",
            "",
          ]);
          await until(() =>
            screen()[1]?.startsWith("no answer since ") === true
          );
          expect(screen()[1]).toContain("not \\u001b[2J now");
          expect(screen()[3]).toStartWith("reads-1 ");
          await until(() => screen()[3]?.startsWith("reads-3 ") === true);
          expect(screen()[1]).toBe("");
          type("q");
          expect(await child.exited).toBe(0);
          await until(() =>
            /\nreads-\d /.test(written().split(LEAVE)[1] ?? "")
          );
        } finally {
          await server.stop(true);
        }
      },
      TIMEOUT_MS,
    );

    test("--watch in a pipe prints one table after the other", async () => {
      let answers = 0;
      const server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: () =>
          ++answers === 2
            ? Response.json({ message: "not now" }, { status: 503 })
            : Response.json({ rows: [rowOf(answers)] }),
      });
      const child = Bun.spawn([
        ...[...runtime, MAIN, "viz", "authz", "deploy/web", "--watch"],
        ...["--api-addr", `127.0.0.1:${server.port}`],
      ], { stdout: "pipe", stderr: "pipe" });
      try {
        let text = "";
        const decoder = new TextDecoder();
        for await (const chunk of child.stdout) {
          text += decoder.decode(chunk, { stream: true });
          if (text.includes("reads-3")) break;
        }
        child.kill("SIGINT");
        expect(text.match(/^reads-\d/gm)).toEqual(["reads-1", "reads-3"]);
        expect(text).not.toContain("\x1b");
        expect(await new Response(child.stderr).text()).toContain(
          "not now; asking again\n",
        );
      } finally {
        child.kill("SIGKILL");
        await child.exited;
        await server.stop(true);
      }
    }, TIMEOUT_MS);

    test(
      "tap in a pipe writes each line at once, ends with its reader, and with Ctrl-C as a command without screen does",
      async () => {
        const command = [...runtime, MAIN, "viz", "tap", "deploy/web"]
          .map((part) => `'${part}'`).join(" ");
        const piped = Bun.spawn(
          [
            ...["bash", "-c"],
            `${command} --api-addr ${taps.address} | head -2; echo \${PIPESTATUS[0]}`,
          ],
          { stdout: "pipe", stderr: "pipe" },
        );
        const [stdout, stderr] = await Promise.all([
          new Response(piped.stdout).text(),
          new Response(piped.stderr).text(),
        ]);
        expect(stdout.split("\n").map((line) => line.slice(0, 6))).toEqual(
          ["req id", "rsp id", "1", ""],
        );
        expect(stderr).toBe("");

        const child = Bun.spawn(
          [
            ...[...runtime, MAIN, "viz", "tap", "deploy/web"],
            ...["--api-addr", taps.address],
          ],
          { stdout: "pipe", stderr: "pipe" },
        );
        const reader = child.stdout.getReader();
        await reader.read();
        child.kill("SIGINT");
        await child.exited;
        expect(child.signalCode).toBe("SIGINT");
        expect(await new Response(child.stderr).text()).toBe("");
      },
      TIMEOUT_MS,
    );
  });
}

function rowOf(answer: number): InboundRow {
  return {
    namespace: "shop",
    name: "web",
    server: { kind: "server", name: "web-http" },
    port: "8080",
    route: { kind: "HTTPRoute", name: `reads-${answer}` },
    authorization: { kind: "authorizationpolicy", name: "callers" },
    golden: { success: 60, failure: 0, secured: 60, latencyMs: null },
    denied: 0,
  };
}
