import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

/** Unpacks Debian packages into a folder, without their documentation; nothing of them is run. */
export async function unpackDebian(
  packages: readonly string[],
  folder: string,
): Promise<void> {
  const downloads = `${folder}.debs`;
  await mkdir(downloads, { recursive: true });
  const download = () =>
    run(["apt-get", "download", "-q", ...packages], downloads);
  // A machine that never asked does not know what there is, and an old list names packages that are gone.
  await download().catch(async () => {
    await run(["apt-get", "update", "-q"]);
    return await download();
  });
  for (const file of await readdir(downloads)) {
    await run(["dpkg-deb", "--extract", join(downloads, file), folder]);
  }
  const unwanted = UNWANTED.map((path) => join(folder, path));
  await run(["rm", "-r", "-f", downloads, ...unwanted]);
}

const UNWANTED = [
  "usr/share/doc",
  "usr/share/man",
  "usr/share/lintian",
  "usr/share/bug",
  // Character sets of the C library that nothing here converts from: 8 MB.
  "usr/lib/x86_64-linux-gnu/gconv",
  "usr/lib/aarch64-linux-gnu/gconv",
];
