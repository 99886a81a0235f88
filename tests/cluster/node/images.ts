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

interface Plan {
  readonly name: string;
  readonly reference: string;
  readonly entrypoint: readonly string[];
  readonly fill: (folder: string, guests: Programs<Guest>) => Promise<void>;
}

const PLANS: readonly Plan[] = [
  {
    name: "pause",
    reference: PAUSE_IMAGE,
    entrypoint: ["/pause"],
    fill: (folder, { path }) => copyFile(path("pause"), `${folder}/pause`),
  },
  {
    name: "coredns",
    reference: DNS_IMAGE,
    entrypoint: ["/coredns"],
    fill: (folder, { path }) => copyFile(path("coredns"), `${folder}/coredns`),
  },
  {
    name: "busybox",
    reference: BUSYBOX_IMAGE,
    entrypoint: ["/bin/sh"],
    fill: fillBusybox,
  },
];

/** The paths of the images as OCI archives; those that are missing are made beside the programs in them. */
export async function makeImages(
  guests: Programs<Guest>,
  say: (line: string) => void,
): Promise<string[]> {
  await exclusively(`${guests.folder}/images`, say, async () => {
    for (const plan of PLANS) {
      if (!existsSync(archiveOf(guests, plan))) await make(plan, guests);
    }
  });
  return PLANS.map((plan) => archiveOf(guests, plan));
}

function archiveOf({ folder }: Programs<Guest>, { name }: Plan): string {
  return `${folder}/${name}.tar`;
}

async function make(plan: Plan, guests: Programs<Guest>): Promise<void> {
  const { name, reference, entrypoint, fill } = plan;
  const draft = await mkdtemp(`${guests.folder}/draft-`);
  try {
    const root = `${draft}/root`;
    await mkdir(root);
    await fill(root, guests);
    const layer = await packLayer(root, `${draft}/layer.tar`);
    const image = { name, layers: [name], user: "0:0", entrypoint };
    const archive = `${draft}/${name}.tar`;
    await writeArchive(image, reference, [layer], `${draft}/oci`, archive);
    await rename(archive, archiveOf(guests, plan));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function fillBusybox(root: string): Promise<void> {
  await unpackDebian(["busybox-static"], root);
  const busybox = `${root}/bin/busybox`;
  for (const applet of (await run([busybox, "--list"])).trim().split("\n")) {
    if (applet !== "busybox") await symlink("busybox", `${root}/bin/${applet}`);
  }
  await mkdir(`${root}/tmp`);
  await chmod(`${root}/tmp`, 0o1777);
}
