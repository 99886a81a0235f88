// Runs the tests beside this file against a real Kubernetes, which all of them share:
//   npm run test:cluster -- [--kubeconfig <file>] [what bun test takes]
// Never a cluster that KUBECONFIG happens to name: tests install and remove a mesh, so it has to be said.
import { down } from "./down.ts";
import { API_HOME, createLayout, type Layout, NODE_HOME } from "./layout.ts";
import { GIVEN_KUBECONFIG } from "./open.ts";
import { runMain, say } from "./say.ts";
import { up } from "./up.ts";

/** Returns the exit code of `bun test`; a cluster that was up before stays up. */
async function main(args: readonly string[]): Promise<number> {
  const [flag, kubeconfig] = args;
  const given = flag === "--kubeconfig" ? kubeconfig : undefined;
  const rest = given === undefined ? args : args.slice(2);
  const alone = createLayout(API_HOME);
  const whole = createLayout(NODE_HOME);
  const ours: Layout[] = [];
  try {
    if ((await up(alone, "api-only", say)).started) ours.push(alone);
    if (given === undefined && (await up(whole, "node", say)).started) {
      ours.push(whole);
    }
    const tests = Bun.spawn(
      ["bun", "test", ...rest, "tests/cluster", "--path-ignore-patterns=none"],
      {
        cwd: `${import.meta.dir}/../..`,
        stdio: ["ignore", "inherit", "inherit"],
        env: {
          ...process.env,
          ...(given === undefined ? {} : { [GIVEN_KUBECONFIG]: given }),
        },
      },
    );
    return await tests.exited;
  } finally {
    for (const layout of ours) await down(layout, say);
  }
}

await runMain(() => main(process.argv.slice(2)));
