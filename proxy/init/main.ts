/** `bun proxy/init/main.ts [flags]`: sends a pod's TCP connections through its proxy. */
import { Problem } from "../../schemas/problem.ts";
import { chooseFirewall, type Family, type Firewall } from "./firewall.ts";
import { createLog, type Log } from "./log.ts";
import { type InitOptions, parseOptions } from "./options.ts";
import { type Command, listRules, planRules } from "./rules.ts";
import { inNamespace, run } from "./run.ts";

/** sysexits.h EX_USAGE: the command line cannot be used. */
const EXIT_USAGE = 64;

async function main(): Promise<number> {
  try {
    await redirect(parseOptions(process.argv.slice(2)));
    return 0;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const hint = problem.hint === undefined ? "" : `\n  ${problem.hint}`;
    process.stderr.write(`${problem.message}${hint}\n`);
    return problem.code === "config.invalid" ? EXIT_USAGE : 1;
  }
}

async function redirect(options: InitOptions): Promise<void> {
  const log = createLog(options.logFormat, options.logLevel);
  const execute = options.simulate ? print : runLogged(log);
  const step = (command: Command): Promise<string> =>
    execute(inNamespace(options.netns, command));
  if (options.closeWaitSecs !== null) {
    await step(keepHalfClosedFor(options.closeWaitSecs));
  }
  for (const family of familiesOf(options)) {
    const firewall = findFirewall(options, family, log);
    const existing = await step(listRules(firewall));
    for (
      const command of planRules(options.redirection, firewall, existing)
    ) await step(command);
    log("debug", await step(listRules(firewall)));
  }
}

/** IPv4 always, and first, as Linkerd does. */
function familiesOf(options: InitOptions): Family[] {
  return options.ipv6 ? ["ipv4", "ipv6"] : ["ipv4"];
}

/** A simulation shows what the flags ask for, whatever this machine has. */
function findFirewall(
  options: InitOptions,
  family: Family,
  log: Log,
): Firewall {
  const isThere = (program: string): boolean =>
    options.simulate || Bun.which(program) !== null;
  const firewall = chooseFirewall(options.mode, family, isThere);
  if (firewall === null) {
    throw new Problem(
      "system.failed",
      `Cannot find a firewall program for ${family}: expected iptables-nft, iptables-legacy or iptables, and its -save, on PATH`,
      {
        hint: family === "ipv6"
          ? "install the iptables package, or pass --ipv6=false"
          : "install the iptables package",
      },
    );
  }
  if (firewall.mode !== options.mode) {
    log("warn", `no ${options.mode} programs here, using ${firewall.command}`);
  }
  return firewall;
}

/** Half-closed connections outlive conntrack's default of 60 s for some applications (Linkerd's flag of this name). */
function keepHalfClosedFor(seconds: number): Command {
  return [
    "sysctl",
    "-w",
    `net.netfilter.nf_conntrack_tcp_timeout_close_wait=${seconds}`,
  ];
}

function runLogged(log: Log): (command: Command) => Promise<string> {
  return (command) => {
    log("info", command.join(" "));
    return run(command);
  };
}

function print(command: Command): Promise<string> {
  process.stdout.write(`${command.join(" ")}\n`);
  return Promise.resolve("");
}

process.exitCode = await main();
