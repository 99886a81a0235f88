import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { waitFor } from "../../demo/bed/wait.ts";
import { Problem } from "../../schemas/problem.ts";

/** A process that outlives us, told apart from a later one with the same number by when it started (ticks since boot). */
export interface Daemon {
  readonly name: string;
  readonly pid: number;
  readonly startTicks: string;
}

/** How much of a log an error shows. */
const TAIL_LINES = 12;

/** Starts a program in a session of its own, so that no signal of our terminal reaches it; it writes to the file `log`. */
export function start(
  name: string,
  argv: readonly string[],
  log: string,
): Daemon {
  const output = openSync(log, "a");
  try {
    const child = Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: output,
      stderr: output,
      detached: true,
      // Root shells often lack the folders of iptables, mount and runc.
      env: {
        ...process.env,
        PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`,
      },
    });
    child.unref();
    const startTicks = readStartTicks(child.pid);
    if (startTicks === null) throw diedEarly(name, log);
    return { name, pid: child.pid, startTicks };
  } finally {
    closeSync(output);
  }
}

/** Starts a program through another that stays its parent until it ends, as `nsenter` does for a new process namespace. */
export async function startThrough(
  entrance: readonly string[],
  name: string,
  argv: readonly string[],
  log: string,
): Promise<Daemon> {
  const parent = start(name, [...entrance, ...argv], log);
  return await waitFor(() => {
    if (!isAlive(parent)) throw diedEarly(name, log);
    const pid = findChild(parent.pid);
    const startTicks = pid === null ? null : readStartTicks(pid);
    return pid === null || startTicks === null
      ? null
      : { name, pid, startTicks };
  }, { what: () => `the process of ${name}` });
}

/** Whether it is the process that was started then, and has not ended. */
export function isAlive({ pid, startTicks }: Daemon): boolean {
  return readStartTicks(pid) === startTicks;
}

/**
 * Kills those of the processes that still live, and waits until they are gone. At once, because nothing of a cluster
 * that is taken down is kept.
 */
export async function end(daemons: readonly Daemon[]): Promise<void> {
  for (const daemon of daemons) {
    if (!isAlive(daemon)) continue;
    try {
      process.kill(daemon.pid, "SIGKILL");
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ESRCH") throw error;
    }
  }
  const left = () => daemons.filter(isAlive).map(({ name }) => name);
  await waitFor(() => left().length === 0 ? true : null, {
    what: () => `the end of ${left().join(", ")}`,
  });
}

/** Says that a program ended when it should run, with the end of its log. */
export function diedEarly(name: string, log: string): Problem {
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  return new Problem(
    "system.failed",
    `Cannot run ${name}: it ended; its last words are\n` +
      lines.slice(-TAIL_LINES).map((line) => `  ${line}`).join("\n"),
  );
}

function findChild(parent: number): number | null {
  const child = readdirSync("/proc")
    .find((pid) => readStat(pid)?.[PARENT] === String(parent));
  return child === undefined ? null : Number(child);
}

/** Null when there is no such process, or only a zombie that its parent has not looked at yet: that has ended too. */
function readStartTicks(pid: number): string | null {
  const fields = readStat(String(pid));
  const state = fields?.[STATE];
  return state === "Z" || state === "X" ? null : fields?.[START_TICKS] ?? null;
}

/** Fields of proc_pid_stat(5), counted from behind the command's name, which may hold spaces. */
const STATE = 0;
const PARENT = 1;
const START_TICKS = 19;

function readStat(pid: string): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
