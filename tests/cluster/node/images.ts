// The images that a cluster needs or tests use, made here: nothing is pulled.
import { existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
} from "node:fs/promises";
import { writeArchive } from "../../../install/images/archive.ts";
import { unpackDebian } from "../../../install/images/debian.ts";
import { packLayer } from "../../../install/images/layer.ts";
import { run } from "../../../install/images/run.ts";
import { exclusively } from "../lock.ts";
import type { Guest, Programs } from "../programs.ts";

/** Of a pod's sandbox. */
export const PAUSE_IMAGE = "images.test/pause:1";
export const DNS_IMAGE = "images.test/coredns:1";
/** Busybox, for tests: a shell, `httpd`, `wget`, `nc`, `nslookup`, `sleep` and the like. */
export const BUSYBOX_IMAGE = "images.test/busybox:1";

/** What makes an image, with a path of each program that it may have. */
export interface Plan<Name extends string = Guest> {
  readonly name: string;
  readonly reference: string;
  readonly entrypoint: readonly string[];
  readonly fill: (
    folder: string,
    program: (name: Name) => string,
  ) => Promise<void>;
}

const PLANS: readonly Plan[] = [
  {
    name: "pause",
    reference: PAUSE_IMAGE,
    entrypoint: ["/pause"],
    fill: (folder, program) => copyFile(program("pause"), `${folder}/pause`),
  },
  {
    name: "coredns",
    reference: DNS_IMAGE,
    entrypoint: ["/coredns"],
    fill: (folder, program) =>
      copyFile(program("coredns"), `${folder}/coredns`),
  },
  {
    name: "busybox",
    reference: BUSYBOX_IMAGE,
    entrypoint: ["/bin/sh"],
    fill: fillBusybox,
  },
];

/** The paths of the images as OCI archives, beside the programs in them; made when this file is new or has changed. */
export function makeImages(
  programs: Programs<Guest>,
  say: (line: string) => void,
): Promise<string[]> {
  return makeAll(PLANS, programs, say);
}

/** The same for other images, of other programs. */
export async function makeAll<Name extends string>(
  plans: readonly Plan<Name>[],
  { folder, path }: Programs<Name>,
  say: (line: string) => void,
): Promise<string[]> {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(await Bun.file(import.meta.path).text());
  const archives = `${folder}/images-${hasher.digest("hex").slice(0, 12)}`;
  await exclusively(archives, say, async () => {
    if (existsSync(archives)) return;
    const draft = await mkdtemp(`${folder}/draft-`);
    try {
      for (const plan of plans) await make(plan, path, draft);
      await rename(`${draft}/archives`, archives);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
  return plans.map(({ name }) => `${archives}/${name}.tar`);
}

async function make<Name extends string>(
  { name, reference, entrypoint, fill }: Plan<Name>,
  program: (name: Name) => string,
  draft: string,
): Promise<void> {
  const work = `${draft}/${name}`;
  await mkdir(`${work}/root`, { recursive: true });
  await mkdir(`${draft}/archives`, { recursive: true });
  await fill(`${work}/root`, program);
  const layer = await packLayer(`${work}/root`, `${work}/layer.tar`);
  await writeArchive(
    { name, layers: [name], user: "0:0", entrypoint },
    reference,
    [layer],
    `${work}/oci`,
    `${draft}/archives/${name}.tar`,
  );
}

async function fillBusybox(root: string): Promise<void> {
  // The static one cannot resolve names without the C library either.
  await unpackDebian(["libc6", "busybox"], root);
  const busybox = `${root}/bin/busybox`;
  for (const applet of (await run([busybox, "--list"])).trim().split("\n")) {
    if (applet !== "busybox") await symlink("busybox", `${root}/bin/${applet}`);
  }
  await mkdir(`${root}/tmp`);
  await chmod(`${root}/tmp`, 0o1777);
}
