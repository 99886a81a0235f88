// Runs the tests beside this file against a real API server, which all of them share:
//   npm run test:cluster -- [what bun test takes]
import { down } from "./down.ts";
import { createLayout, HOME } from "./layout.ts";
import { runMain, say } from "./say.ts";
import { up } from "./up.ts";

/** Returns the exit code of `bun test`; a cluster that was up before stays up. */
async function main(args: readonly string[]): Promise<number> {
  const layout = createLayout(HOME);
  const { started } = await up(layout, say);
  try {
    const tests = Bun.spawn(
      ["bun", "test", ...args, "tests/cluster", "--path-ignore-patterns=none"],
      {
        cwd: `${import.meta.dir}/../..`,
        stdio: ["ignore", "inherit", "inherit"],
      },
    );
    return await tests.exited;
  } finally {
    if (started) await down(layout, say);
  }
}

await runMain(() => main(process.argv.slice(2)));
