import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { delimiter } from "node:path";
import { findPlugin } from "../plugin.ts";

export interface Executable {
  readonly name: string;
  readonly path: string;
}

/** Executables on a search path whose names begin so, by name; of several of one name, the first. */
export async function listExecutables(
  prefix: string,
  searchPath: string,
): Promise<readonly Executable[]> {
  const names = new Set<string>();
  for (const folder of searchPath.split(delimiter)) {
    if (folder === "") continue;
    for (const name of await namesIn(folder)) {
      if (name.startsWith(prefix)) names.add(name);
    }
  }
  const found: Executable[] = [];
  for (const name of [...names].sort()) {
    const path = await findPlugin(name, searchPath);
    if (path !== undefined) found.push({ name, path });
  }
  return found;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return []; // search paths name folders that are not there
  }
}

/** What a program printed; `ended` tells why it could not print all. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly ended?: string;
}

/** Runs a program to its end, or to the limits of time and of output on either stream. Its exit code means nothing. */
export function runBounded(
  path: string,
  args: readonly string[],
  { timeoutMs, maxBytes }: {
    readonly timeoutMs: number;
    readonly maxBytes: number;
  },
): Promise<Said> {
  const options = {
    timeout: timeoutMs,
    maxBuffer: maxBytes,
    killSignal: "SIGKILL",
  } as const;
  return new Promise((resolve) => {
    const child = execFile(
      path,
      [...args],
      options,
      (error, stdout, stderr) => {
        const ended = error === null
          ? undefined
          : error.killed
          ? `ended after ${
            timeoutMs / 1000
          } s, or more than ${maxBytes} bytes of output`
          : typeof error.code === "number"
          ? undefined // it ran to its end
          : error.message;
        resolve({ stdout, stderr, ...(ended === undefined ? {} : { ended }) });
      },
    );
    child.stdin?.end();
  });
}
