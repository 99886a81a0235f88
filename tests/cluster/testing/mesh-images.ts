import { mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { system } from "../../../demo/bed/system.ts";
import { createLayout } from "../layout.ts";
import { loadImages } from "../load.ts";
import { exclusively } from "../lock.ts";
import { say } from "../say.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const IMAGES = join(ROOT, ".cache/images");
const ARCHIVES = ["proxy.tar", "controller.tar"] as const;
/** All that images are made of; Debian's packages and Bun change with the machine, on which the cache lives, too. */
const SOURCES = [
  "package-lock.json",
  "{proxy,control,schemas,install}/**/*.{ts,js,json,sh}",
].map((pattern) => new Bun.Glob(pattern));

/**
 * Makes sure that the node of the cluster in `home` has the images of proxy and controller that the sources of now make. They are
 * made once for each state of the sources, and given once to each node.
 */
export async function loadMeshImages(home: string): Promise<void> {
  const layout = createLayout(home);
  const folder = join(IMAGES, await hashSources());
  const given = Bun.file(join(layout.node, "mesh-images"));
  await exclusively(IMAGES, say, async () => {
    if (await given.exists() && await given.text() === folder) return;
    await makeImages(folder);
    for (const name of ARCHIVES) await loadImages(layout, join(folder, name));
    await given.write(folder);
  });
}

/** What other states of the sources left is removed. */
async function makeImages(folder: string): Promise<void> {
  if (await Bun.file(join(folder, "proxy.tar")).exists()) return;
  await rm(IMAGES, { recursive: true, force: true });
  await mkdir(IMAGES, { recursive: true });
  const half = `${folder}.half`;
  say("making the images of proxy and controller");
  await system([
    ...[process.execPath, join(ROOT, "install/images/main.ts")],
    ...["--output", half],
  ]);
  await rename(half, folder);
}

async function hashSources(): Promise<string> {
  const found = SOURCES.flatMap((glob) => [...glob.scanSync(ROOT)]);
  const paths = found
    .filter((path) => !/(^|\/)node_modules\/|\.test\.ts$/.test(path)).sort();
  const hash = new Bun.CryptoHasher("sha256");
  for (const path of paths) {
    hash.update(`${path}\0`).update(await Bun.file(join(ROOT, path)).bytes());
  }
  return hash.digest("hex").slice(0, 12);
}
