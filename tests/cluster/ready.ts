import { waitFor } from "../../demo/bed/wait.ts";
import { type Access, tryKubectl } from "./kubectl.ts";
import { type Daemon, diedEarly, isAlive } from "./process.ts";

/** Seconds on an idle machine, with the largest program read from disk; a busy one gets ten times that. */
const TIMEOUT_MS = 120_000;
const PROGRESS_MS = 5_000;

/** What the API server answers when what is asked for is there. */
export interface Question {
  /** What is waited for, for progress and errors. */
  readonly what: string;
  /** A path of the API. */
  readonly path: string;
}

/** The API server itself, with all that it does after its start. */
export const READY: Question = { what: "the API server", path: "/readyz" };
/** What a controller makes, so that the controllers work. */
export const CONTROLLED: Question = {
  what: "the controllers",
  path: "/api/v1/namespaces/default/serviceaccounts/default",
};

/** Whether it is so now. */
export async function holds(access: Access, asked: Question): Promise<boolean> {
  return (await ask(access, asked)).code === 0;
}

/** Waits until it is so, with a line every 5 s; throws with the end of a log when a program ends meanwhile. */
export async function waitUntil(
  access: Access,
  asked: Question,
  alive: readonly { readonly daemon: Daemon; readonly log: string }[],
  say: (line: string) => void,
): Promise<void> {
  let nextLine = performance.now() + PROGRESS_MS;
  let complaint = "";
  await waitFor(async () => {
    for (const { daemon, log } of alive) {
      if (!isAlive(daemon)) throw diedEarly(daemon.name, log);
    }
    const { code, stderr } = await ask(access, asked);
    if (code === 0) return true;
    complaint = stderr.trim();
    if (performance.now() > nextLine) {
      nextLine += PROGRESS_MS;
      say(`waiting for ${asked.what}: ${complaint.split("\n").at(-1)}`);
    }
    return null;
  }, {
    what: () => `${asked.what} (${complaint})`,
    timeoutMs: TIMEOUT_MS,
    intervalMs: 200,
  });
}

function ask(
  access: Access,
  { path }: Question,
): ReturnType<typeof tryKubectl> {
  return tryKubectl(access, ["get", "--raw", path, "--request-timeout=5s"]);
}
