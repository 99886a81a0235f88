import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  symlink,
  writeFile,
} from "node:fs/promises";
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
      for (const command of ["sh", "sleep", "dirname", "true"]) {
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
      await addCapable(folder);
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
      await command(
        folder,
        "linkerd2-proxy-init",
        "proxy/init/main.ts",
        "linkerd2-proxy-init.sh",
      );
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

/**
 * Init runs as nobody. Kubernetes gives its container capabilities, but a program keeps them only if its file says so
 * (capabilities(7)), and with `allowPrivilegeEscalation: false` so must each program on the way. Bun serves the proxy,
 * too, and must not: a shell and setpriv of its own turn what the container has into ambient capabilities, which stay.
 */
async function addCapable(folder: string): Promise<void> {
  const other = `${folder}.util-linux`;
  await unpackDebian(["util-linux", "busybox-static"], other);
  for (
    const [name, from] of [["sh", "bin/busybox"], [
      "setpriv",
      "usr/bin/setpriv",
    ]]
  ) {
    await put(folder, `${HOME}/capable/${name}`, join(other, `${from}`));
    const path = join(folder, HOME, "capable", `${name}`);
    await run(["setcap", "cap_net_admin,cap_net_raw+p", path]);
  }
  await run(["rm", "-r", other]);
}

/** iptables and the libraries it and setpriv are linked with, but for libc6. */
const IPTABLES = [
  "iptables",
  "libcap-ng0",
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

/** A program that manifests call by its path; `script` of this folder starts it if something is to be done before. */
async function command(
  folder: string,
  name: string,
  source: string,
  script?: string,
): Promise<void> {
  await bundle(folder, source, `${name}.js`);
  const path = join(folder, HOME, name);
  const text = script === undefined
    ? `#!/bin/sh\nexec bun /${HOME}/${name}.js "$@"\n`
    : await readFile(join(ROOT, "install/images", script));
  await writeFile(path, text);
  await chmod(path, 0o755);
}

async function put(folder: string, path: string, from: string): Promise<void> {
  const to = join(folder, path);
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, 0o755);
}
