// A Kubernetes for tests on this machine's loopback:
//   npm run cluster -- up --api-only | down | status | kubeconfig
import { parseArgs } from "node:util";
import { describe, Problem } from "../../schemas/problem.ts";
import { down } from "./down.ts";
import { createLayout, HOME } from "./layout.ts";
import { runMain, say } from "./say.ts";
import { describeStatus } from "./status.ts";
import { up } from "./up.ts";

const USAGE = `npm run cluster -- <command>, a Kubernetes for tests on loopback

  up --api-only   build what is missing, start etcd, API server and controllers; does nothing when they run
  down            end them and remove their files, also after a crash
  status          what runs where; exit code 1 when it cannot be used
  kubeconfig      print the path of the administrator's kubeconfig

  --home <folder>   where its files are (.cache/cluster)
`;

/** Does one command; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { positionals: [command, ...rest], values } = parse(args);
  const layout = createLayout(values.home);
  if (values.help) return print(USAGE.trimEnd());
  if (rest.length > 0) throw misuse(`one command, not also "${rest[0]}"`);
  switch (command) {
    case "up": {
      if (!values["api-only"]) {
        throw misuse("--api-only: there is no node yet to start besides");
      }
      const { started, server, version } = await up(layout, say);
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
          hint: "start one with: npm run cluster -- up --api-only",
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
        home: { type: "string", default: HOME },
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
