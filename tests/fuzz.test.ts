import { expect, test } from "bun:test";
import { TARGETS } from "./fuzz/targets.ts";

const SECONDS = 10;

test(
  "random octets give typed errors, no hang, and what was encoded comes back",
  async () => {
    const argv = ["tests/fuzz/main.ts", "--seconds", String(SECONDS)];
    const child = Bun.spawn([process.execPath, ...argv], {
      cwd: `${import.meta.dir}/..`,
      stdout: "pipe",
      stderr: "inherit",
    });
    const said = await child.stdout.text();
    expect(await child.exited, said).toBe(0);
    for (const target of Object.keys(TARGETS)) {
      const rounds = new RegExp(`^${target}: (\\d+) rounds$`, "m").exec(said)
        ?.[1];
      expect(Number(rounds), target).toBeGreaterThan(10);
    }
  },
  90_000,
);
