import { waitFor } from "../../demo/bed/wait.ts";
import { type Access, tryKubectl } from "./kubectl.ts";
import { NODE_NAME } from "./node/kubelet.ts";
import { type Daemon, diedEarly, isAlive } from "./process.ts";

/** Seconds on an idle machine, with the largest program read from disk; a busy one gets ten times that. */
const TIMEOUT_MS = 120_000;
const PROGRESS_MS = 5_000;
/** Of what an API server that is starting complains about: the beginning tells. */
const COMPLAINT_MAX = 120;

/** What the API server answers when what is asked for is there. */
export interface Question {
  /** What is waited for, for progress and errors. */
  readonly what: string;
  /** A path of the API. */
  readonly path: string;
  /** What stands in the answer; whatever it is, when missing. */
  readonly shows?: RegExp;
}

/** The API server itself, with all that it does after its start. */
export const READY: Question = { what: "the API server", path: "/readyz" };
/** What a controller makes, so that the controllers work. */
export const CONTROLLED: Question = {
  what: "the controllers",
  path: "/api/v1/namespaces/default/serviceaccounts/default",
};
/** The kubelet says so, of itself, containerd and the network of pods. */
export const NODE_READY: Question = {
  what: "the node",
  path: `/api/v1/nodes/${NODE_NAME}`,
  shows: /"type":"Ready","status":"True"/,
};
/** Scheduled, started and seen ready: all that a node does. */
export const NAMES_RESOLVE: Question = {
  what: "the cluster's DNS",
  path: "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
  shows: /"readyReplicas":1/,
};

/** Whether it is so now. */
export async function holds(access: Access, asked: Question): Promise<boolean> {
  return await ask(access, asked) === null;
}

/** Waits until it is so, with a line every 5 s; throws with the end of a log when a program ends meanwhile. */
export async function waitUntil(
  access: Access,
  asked: Question,
  alive: readonly { readonly daemon: Daemon; readonly log: string }[],
  say: (line: string) => void,
): Promise<void> {
  let nextLine = performance.now() + PROGRESS_MS;
  let complaint: string | null = null;
  await waitFor(async () => {
    for (const { daemon, log } of alive) {
      if (!isAlive(daemon)) throw diedEarly(daemon.name, log);
    }
    complaint = await ask(access, asked);
    if (complaint === null) return true;
    if (performance.now() > nextLine) {
      nextLine += PROGRESS_MS;
      say(`waiting for ${asked.what}: ${complaint}`);
    }
    return null;
  }, {
    what: () => `${asked.what} (${complaint})`,
    timeoutMs: TIMEOUT_MS,
    intervalMs: 200,
  });
}

/** What is missing; null when it is so. */
async function ask(
  access: Access,
  { path, shows }: Question,
): Promise<string | null> {
  const args = ["get", "--raw", path, "--request-timeout=5s"];
  const { code, stdout, stderr } = await tryKubectl(access, args);
  if (code !== 0) return stderr.trim().slice(0, COMPLAINT_MAX);
  return shows === undefined || shows.test(stdout) ? null : "not ready yet";
}
