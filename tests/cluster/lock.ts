import { createHash } from "node:crypto";
import { waitFor } from "../../demo/bed/wait.ts";

/** A first build of all programs by another run, on a slow machine. */
const PATIENCE_MS = 3_600_000;

/**
 * Does `work` while no other process does it for the same `path`. The lock is a socket in the abstract namespace of
 * Linux: the kernel lets go of it when its holder ends, however that happens, so that no lock is ever stale.
 */
export async function exclusively<T>(
  path: string,
  say: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 16);
  const name = `\0linkerd-ts-cluster-${digest}`;
  let told = false;
  const lock = await waitFor(() => {
    const taken = take(name);
    if (taken === null && !told) {
      told = true;
      say("waiting for another run to finish here");
    }
    return taken;
  }, {
    what: () => `the end of another run in ${path}`,
    timeoutMs: PATIENCE_MS,
    intervalMs: 200,
  });
  try {
    return await work();
  } finally {
    lock.stop(true);
  }
}

/** Null when somebody has it. */
function take(name: string): { stop(force: boolean): void } | null {
  try {
    return Bun.listen({ unix: name, socket: { data() {} } });
  } catch (error) {
    if ((error as { code?: unknown }).code === "EADDRINUSE") return null;
    throw error;
  }
}
