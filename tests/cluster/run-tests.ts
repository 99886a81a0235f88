// Runs the tests beside this file against a real Kubernetes, which all of them share:
//   npm run test:cluster -- [what bun test takes]
import { down } from "./down.ts";
import { API_HOME, createLayout, type Layout, NODE_HOME } from "./layout.ts";
import { runMain, say } from "./say.ts";
import { up } from "./up.ts";

/** Returns the exit code of `bun test`; a cluster that was up before stays up. */
async function main(args: readonly string[]): Promise<number> {
  const alone = createLayout(API_HOME);
  const whole = createLayout(NODE_HOME);
  const ours: Layout[] = [];
  try {
    if ((await up(alone, "api-only", say)).started) ours.push(alone);
    if ((await up(whole, "node", say)).started) ours.push(whole);
    const tests = Bun.spawn(
      ["bun", "test", ...args, "tests/cluster", "--path-ignore-patterns=none"],
      {
        cwd: `${import.meta.dir}/../..`,
        stdio: ["ignore", "inherit", "inherit"],
      },
    );
    return await tests.exited;
  } finally {
    for (const layout of ours) await down(layout, say);
  }
}

await runMain(() => main(process.argv.slice(2)));
