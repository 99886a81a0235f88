import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Nobody but the proxy reads or writes what it keeps. */
const OWNER_ONLY = 0o600;

/**
 * Writes a file that only we may read, whole or not at all: readers find the old one or the new one, and a leftover's
 * mode, owner or link target does not matter. Throws what the file system says.
 */
export function writePrivately(
  path: string,
  content: string | Uint8Array,
): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, content, { mode: OWNER_ONLY, flag: "wx" });
  renameSync(draft, path);
}
