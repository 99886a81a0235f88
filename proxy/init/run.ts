import { describe, Problem } from "../../schemas/problem.ts";
import type { Command } from "./rules.ts";

/** Runs a command to its end and gives its stdout; throws `system.failed` with what it said and what to check. */
export async function run(command: Command): Promise<string> {
  const line = command.join(" ");
  let started;
  try {
    started = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  } catch (cause) {
    throw new Problem("system.failed", `Cannot run "${line}"`, {
      cause,
      hint: `${describe(cause)}; is ${command[0]} installed?`,
    });
  }
  const [output, complaint, code] = await Promise.all([
    new Response(started.stdout).text(),
    new Response(started.stderr).text(),
    started.exited,
  ]);
  if (code === 0) return output;
  throw new Problem(
    "system.failed",
    `"${line}" failed with exit code ${code}: ${complaint.trim()}`,
    { hint: hintFor(complaint) },
  );
}

/** The command as it runs inside another network namespace. */
export function inNamespace(netns: string | null, command: Command): Command {
  return netns === null
    ? command
    : ["nsenter", `--net=${netns}`, "--", ...command];
}

function hintFor(complaint: string): string {
  if (/permission denied|not permitted/i.test(complaint)) {
    return "run as root, or give the container the capabilities NET_ADMIN and NET_RAW";
  }
  if (/xtables lock/i.test(complaint)) {
    return "another program holds the tables: pass --use-wait-flag";
  }
  if (/table|protocol not supported|address family/i.test(complaint)) {
    return "does the kernel have the nat table in this mode? Try --iptables-mode nft, legacy or plain, and --ipv6=false on a node without IPv6";
  }
  return "read what the command said, then run it by hand in the same network namespace";
}
