// Runs the tests beside this file against a real Kubernetes, which all of them share:
//   npm run test:cluster -- [--kubeconfig <file> [--images <registry and path>]] [what bun test takes]
// Never a cluster that KUBECONFIG happens to name: tests install and remove a mesh, so it has to be said.
import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { down } from "./down.ts";
import {
  FOR_ANY_CLUSTER,
  FOR_OURS_ALONE,
  GIVEN_IMAGES,
  GIVEN_KUBECONFIG,
} from "./given.ts";
import { API_HOME, createLayout, type Layout, NODE_HOME } from "./layout.ts";
import { runMain, say } from "./say.ts";
import { up } from "./up.ts";

const FOLDER = "tests/cluster";

/** Returns the exit code of `bun test`; a cluster that was up before stays up. */
async function main(args: readonly string[]): Promise<number> {
  const rest = [...args];
  const take = (flag: string): string | undefined =>
    rest[0] === flag ? rest.splice(0, 2)[1] : undefined;
  const kubeconfig = take("--kubeconfig");
  const images = take("--images");
  return kubeconfig === undefined
    ? await runOnOurs(rest)
    : await runOnGiven(kubeconfig, images, rest);
}

async function runOnOurs(rest: readonly string[]): Promise<number> {
  const alone = createLayout(API_HOME);
  const whole = createLayout(NODE_HOME);
  const ours: Layout[] = [];
  try {
    if ((await up(alone, "api-only", say)).started) ours.push(alone);
    if ((await up(whole, "node", say)).started) ours.push(whole);
    return await runTests([...rest, FOLDER], {});
  } finally {
    for (const layout of ours) await down(layout, say);
  }
}

/** All that another cluster can run; what needs no pods is no matter of that cluster. */
async function runOnGiven(
  kubeconfig: string,
  images: string | undefined,
  rest: readonly string[],
): Promise<number> {
  for (const file of await readdir(import.meta.dir)) {
    if (!file.endsWith(".test.ts") || FOR_ANY_CLUSTER.includes(file)) continue;
    const reason = FOR_OURS_ALONE[file] ?? "is for the clusters made here";
    say(`left out: ${FOLDER}/${file}, which ${reason}`);
  }
  const files = FOR_ANY_CLUSTER.map((file) => `${FOLDER}/${file}`);
  return await runTests([...rest, ...files], {
    [GIVEN_KUBECONFIG]: resolve(kubeconfig),
    ...(images === undefined ? {} : { [GIVEN_IMAGES]: images }),
  });
}

async function runTests(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const tests = Bun.spawn(
    ["bun", "test", ...args, "--path-ignore-patterns=none"],
    {
      cwd: `${import.meta.dir}/../..`,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...env },
    },
  );
  return await tests.exited;
}

await runMain(() => main(process.argv.slice(2)));
