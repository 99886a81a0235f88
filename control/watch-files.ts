import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/**
 * A pause between the first sign of a change and the reading: certificate and key are written one after the other, and
 * whoever reads between them sees a pair that does not match.
 */
const SETTLE_MS = 100;

/**
 * Calls `onChange` when something happens in the folders of `paths`, and every `everyMs` in any case; returns `close`.
 * Folders are watched rather than files, so that renames and symlink swaps (how Kubernetes updates a mounted Secret) are
 * seen; the timer is for file systems that tell nothing, and finds folders that came later or were replaced.
 */
export function watchFiles(
  paths: readonly string[],
  everyMs: number,
  onChange: () => void,
): () => void {
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  let watchers = arm();
  let settling: ReturnType<typeof setTimeout> | undefined;
  const timer = setInterval(() => {
    disarm();
    watchers = arm();
    onChange();
  }, everyMs);

  function arm(): FSWatcher[] {
    return folders.flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, settle);
        watcher.on("error", () => watcher.close());
        return [watcher];
      } catch {
        return []; // not there yet: the timer looks again
      }
    });
  }

  function disarm(): void {
    for (const watcher of watchers) watcher.close();
  }

  /** Later signs do not put the reading off: a folder that others write to all the time would never be read. */
  function settle(): void {
    settling ??= setTimeout(() => {
      settling = undefined;
      onChange();
    }, SETTLE_MS);
  }

  return () => {
    clearInterval(timer);
    clearTimeout(settling);
    disarm();
  };
}
