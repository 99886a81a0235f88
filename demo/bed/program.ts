import { Problem } from "../../schemas/problem.ts";
import { APPLICATION_UID, MOUNT, REPOSITORY } from "./layout.ts";
import { find } from "./system.ts";

/** Lines kept for messages about a program that failed. */
const KEPT_LINES = 200;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The application user by default. */
  readonly uid?: number;
  /** Every line of standard output and standard error as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** How a program ended: an exit code, or 128 + the number of the signal that ended it. */
export interface Exit {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs in a pod. */
export interface Program {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** The first line that holds `text`, past or future; fails with the program's last lines when it ends without. */
  line(text: string): Promise<string>;
  /** The last lines of both streams. */
  tail(): string;
  /** Sends a signal (SIGTERM by default) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/**
 * Starts a program in a network namespace, without privileges, in this repository, whose `bun` comes first in its PATH.
 * The kernel kills it when the caller dies.
 */
export function startProgram(
  namespace: string,
  argv: readonly string[],
  options: RunOptions = {},
): Program {
  const child = Bun.spawn(enter(namespace, argv, options), {
    env: { PATH, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", ...options.env },
    // Ctrl-C on a terminal is for the caller alone, who ends its programs in order.
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const kept: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const take = (line: string, stream: "stdout" | "stderr"): void => {
    kept.push(line);
    if (kept.length > KEPT_LINES) kept.shift();
    for (const wake of waiting) wake(line);
    options.onLine?.(line, stream);
  };
  const exited = Promise.all([
    readLines(child.stdout, (line) => take(line, "stdout")),
    readLines(child.stderr, (line) => take(line, "stderr")),
    child.exited,
  ]).then(([stdout, stderr, code]) => ({ code, stdout, stderr }));

  return {
    pid: child.pid,
    exited,
    line: (text) => {
      const past = kept.find((line) => line.includes(text));
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        const wake = (line: string): void => {
          if (!line.includes(text)) return;
          waiting.delete(wake);
          resolve(line);
        };
        waiting.add(wake);
        void exited.then(({ code }) => {
          if (waiting.delete(wake)) reject(ended(argv, code, kept.join("\n")));
        });
      });
    },
    tail: () => kept.join("\n"),
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}

/** What to say of a program that ended when it should not have. */
export function ended(
  argv: readonly string[],
  code: number,
  tail: string,
): Problem {
  return new Problem(
    "system.failed",
    `Cannot go on without "${argv.join(" ")}": it ended with code ${code}` +
      (tail === "" ? "" : `, last saying:\n${tail}`),
  );
}

const PATH =
  `${MOUNT}/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

function enter(
  namespace: string,
  argv: readonly string[],
  { uid = APPLICATION_UID }: RunOptions,
): string[] {
  // The mount is seen by this program and its children only: ip-netns(8) gives each its own mount namespace.
  const script = `mount --bind "$0" ${MOUNT} && cd ${MOUNT} && exec setpriv ` +
    `--reuid=${uid} --regid=${uid} --clear-groups --no-new-privs --pdeathsig=KILL -- "$@"`;
  const command = [find("ip"), "netns", "exec", namespace, "sh", "-c", script];
  return [...command, REPOSITORY, ...argv];
}

/** Hands on each line as it comes, and in the end the text kept: at most the first mebibyte. */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let rest = "";
  for await (const chunk of stream) {
    const piece = decoder.decode(chunk, { stream: true });
    if (text.length < MAX_TEXT_LENGTH) text += piece;
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
  return text;
}

const MAX_TEXT_LENGTH = 1 << 20;
