// Runs the tests beside this file against a real API server, which all of them share:
//   npm run test:cluster -- [what bun test takes]
import { describe } from "../../schemas/problem.ts";
import { down } from "./down.ts";
import { createLayout, HOME } from "./layout.ts";
import { up } from "./up.ts";

const say = (line: string) => process.stderr.write(`cluster: ${line}\n`);
const layout = createLayout(HOME);
try {
  const { started } = await up(layout, say);
  const tests = Bun.spawn([
    "bun",
    "test",
    ...process.argv.slice(2),
    "tests/cluster",
    "--path-ignore-patterns=none",
  ], {
    cwd: `${import.meta.dir}/../..`,
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.exitCode = await tests.exited;
  if (started) await down(layout, say);
} catch (error) {
  say(describe(error));
  process.exitCode = 1;
}
