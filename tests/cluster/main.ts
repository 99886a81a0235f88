// A Kubernetes for tests on this machine:
//   npm run cluster -- up | load | down | status | kubeconfig
import { parseArgs } from "node:util";
import { describe, Problem } from "../../schemas/problem.ts";
import { down } from "./down.ts";
import { API_HOME, createLayout, NODE_HOME } from "./layout.ts";
import { loadImages } from "./load.ts";
import { runMain, say } from "./say.ts";
import { describeStatus } from "./status.ts";
import { up } from "./up.ts";

const USAGE =
  `npm run cluster -- <command>, a Kubernetes for tests on this machine

  up             build what is missing, start a cluster of one node; does nothing when it runs
  load <file>…   give the node the images of OCI archives, as npm run images makes them
  down           end it and remove its files, also after a crash
  status         what runs where; exit code 1 when it cannot be used
  kubeconfig     print the path of the administrator's kubeconfig

  --api-only        another cluster: an API server on loopback, without a node
  --home <folder>   where its files are (.cache/cluster-node, or .cache/cluster with --api-only)
`;

/** Does one command; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { positionals: [command, ...rest], values } = parse(args);
  const kind = values["api-only"] ? "api-only" : "node";
  const home = kind === "node" ? NODE_HOME : API_HOME;
  const layout = createLayout(values.home ?? home);
  if (values.help) return print(USAGE.trimEnd());
  if (command === "load") {
    for (const archive of rest) await loadImages(layout, archive);
    return 0;
  }
  if (rest.length > 0) throw misuse(`one command, not also "${rest[0]}"`);
  switch (command) {
    case "up": {
      const { started, server, version } = await up(layout, kind, say);
      say(
        `Kubernetes ${version} ${started ? "is" : "was already"} up: ${server}`,
      );
      return print(`export KUBECONFIG=${layout.kubeconfig}`);
    }
    case "down":
      say(await down(layout, say) ? "down" : "no cluster was up");
      return 0;
    case "status": {
      const { text, usable } = await describeStatus(layout);
      print(text);
      return usable ? 0 : 1;
    }
    case "kubeconfig":
      if (!await Bun.file(layout.kubeconfig).exists()) {
        throw new Problem("config.invalid", "Cannot find a cluster", {
          hint: "start one with: npm run cluster -- up",
        });
      }
      return print(layout.kubeconfig);
    default:
      throw misuse(`a command, found "${command ?? ""}"`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        "api-only": { type: "boolean", default: false },
        home: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw misuse(`other flags: ${describe(error)}`);
  }
}

function misuse(expected: string): Problem {
  return new Problem("config.invalid", `Expected ${expected}`, { hint: USAGE });
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

await runMain(() => main(process.argv.slice(2)));
