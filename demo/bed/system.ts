import { Problem } from "../../schemas/problem.ts";

/** Debian packages of the commands a bed needs. */
const PACKAGES: Readonly<Record<string, string>> = {
  "ip": "iproute2",
  "iptables-restore": "iptables",
  "setpriv": "util-linux",
  "tcpdump": "tcpdump",
  "redis-server": "redis-server",
};

/** Runs a system command to its end and returns what it printed; throws `system.failed` with the command's complaint. */
export async function system(
  argv: readonly string[],
  input = "",
): Promise<string> {
  const child = Bun.spawn([find(argv[0] ?? ""), ...argv.slice(1)], {
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) {
    throw new Problem(
      "system.failed",
      `Cannot run "${argv.join(" ")}": ${
        stderr.trim() || `exit code ${code}`
      }, expected success`,
    );
  }
  return stdout;
}

/** Path of a command; system directories count even when PATH lacks them, as in many root shells. */
export function find(command: string): string {
  const path = Bun.which(command, {
    PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`,
  });
  if (path !== null) return path;
  throw new Problem(
    "system.failed",
    `Cannot run "${command}": not found on this machine, expected it in PATH`,
    { hint: `apt-get install ${PACKAGES[command] ?? command}` },
  );
}
