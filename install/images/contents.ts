import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unpackDebian } from "./debian.ts";
import { run } from "./run.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Where Linkerd's manifests look for programs. */
const HOME = "usr/lib/linkerd";

/** A part of images, and how it comes to be in a folder. */
export interface LayerPlan {
  readonly name: string;
  readonly about: string;
  readonly fill: (folder: string) => Promise<void>;
}

export interface Image {
  readonly name: string;
  /** Base first; names of layers. */
  readonly layers: readonly string[];
  /** Numbers, for `runAsNonRoot` knows no names. */
  readonly user: string;
  readonly entrypoint: readonly string[];
}

export const IMAGES: readonly Image[] = [
  {
    name: "proxy",
    layers: ["runtime", "iptables", "proxy"],
    user: "2102:2102",
    entrypoint: [`/${HOME}/launch/entrypoint.sh`],
  },
  {
    name: "controller",
    layers: ["runtime", "controller"],
    user: "2103:2103",
    entrypoint: ["bun", `/${HOME}/control/main.js`],
  },
];

export const LAYERS: readonly LayerPlan[] = [
  {
    name: "runtime",
    about: "Bun, the C library, a shell",
    fill: async (folder) => {
      await unpackDebian(["libc6", "busybox-static"], folder);
      await put(folder, "usr/local/bin/bun", process.execPath);
      for (const command of ["sh", "sleep", "dirname"]) {
        await symlink("busybox", join(folder, "bin", command));
      }
      await mkdir(join(folder, "tmp"));
      await chmod(join(folder, "tmp"), 0o1777);
    },
  },
  {
    name: "iptables",
    about: "what redirection needs, of both backends",
    fill: async (folder) => {
      await unpackDebian(IPTABLES, folder);
      for (const backend of ["nft", "legacy"]) {
        // Init runs as nobody: the right to change rules comes with the program.
        await run([
          ...["setcap", "cap_net_admin,cap_net_raw+eip"],
          join(folder, `usr/sbin/xtables-${backend}-multi`),
        ]);
      }
    },
  },
  {
    name: "proxy",
    about: "proxy, launcher, init, validator, await",
    fill: async (folder) => {
      await bundle(folder, "proxy/main.ts", "main.js");
      await bundle(folder, "proxy/launch/main.ts", "launch/main.js");
      await put(
        folder,
        `${HOME}/launch/entrypoint.sh`,
        join(ROOT, "proxy/launch/entrypoint.sh"),
      );
      await command(folder, "linkerd2-proxy-init", "proxy/init/main.ts");
      await command(
        folder,
        "linkerd2-network-validator",
        "proxy/init/validate-main.ts",
      );
      await command(folder, "linkerd-await", "proxy/launch/await.ts");
    },
  },
  {
    name: "controller",
    about: "the programs of the control plane",
    fill: (folder) => bundle(folder, "control/main.ts", "control/main.js"),
  },
];

/** iptables and the libraries it is linked with, but for libc6. */
const IPTABLES = [
  "iptables",
  "libip4tc2",
  "libip6tc2",
  "libmnl0",
  "libnetfilter-conntrack3",
  "libnfnetlink0",
  "libnftnl11",
  "libxtables12",
];

/** One file of JavaScript with all it imports, at a path under `HOME`. */
async function bundle(
  folder: string,
  source: string,
  path: string,
): Promise<void> {
  await run([
    ...[process.execPath, "build", join(ROOT, source), "--target=bun"],
    ...["--minify", `--outfile=${join(folder, HOME, path)}`],
  ]);
}

/** A program that manifests call by its path. */
async function command(
  folder: string,
  name: string,
  source: string,
): Promise<void> {
  await bundle(folder, source, `${name}.js`);
  const path = join(folder, HOME, name);
  await writeFile(path, `#!/bin/sh\nexec bun /${HOME}/${name}.js "$@"\n`);
  await chmod(path, 0o755);
}

async function put(folder: string, path: string, from: string): Promise<void> {
  const to = join(folder, path);
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o755);
}
