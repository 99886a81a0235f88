import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty folder that is removed at the end of the scope. */
export async function createScratch(): Promise<
  { readonly path: string } & AsyncDisposable
> {
  const path = await mkdtemp(join(tmpdir(), "control-"));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
