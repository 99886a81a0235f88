// The programs of a Kubernetes cluster, built from the Go module proxy: a `go.mod` for each set pins them.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { Problem } from "../../schemas/problem.ts";
import { goBuild } from "./go-build.ts";
import { PROGRAMS } from "./layout.ts";
import { exclusively } from "./lock.ts";

/** The main package of each: the same ones that Kubernetes and etcd release. */
const PACKAGES = {
  "etcd": "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
  "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
  "kubectl": "k8s.io/kubernetes/cmd/kubectl",
  "kubelet": "k8s.io/kubernetes/cmd/kubelet",
} as const;

/** What runs in pods, and the node's first process: main packages of our own. */
const GUESTS = { "coredns": "./dns", "pause": "./pause" } as const;

/** The Gateway API's conformance suite, and the workload that it asks. */
const CONFORMANCE = { "echo": "./echo", "suite": "./suite" } as const;

export type Program = keyof typeof PACKAGES;
export type Guest = keyof typeof GUESTS;
export type Conformance = keyof typeof CONFORMANCE;

/** A version of some programs. */
export interface Programs<Name extends string = Program> {
  /** Where they are; another folder for each set of versions. */
  readonly folder: string;
  /** Of Kubernetes, such as `v1.34.4`. */
  readonly version: string;
  /** The path of one of them. */
  path(name: Name): string;
}

const MODULE = `${import.meta.dir}/programs`;
const GUEST_MODULE = `${import.meta.dir}/images`;
/** The folder of the Go module of the Gateway API's conformance suite. */
export const CONFORMANCE_MODULE = `${import.meta.dir}/gateway-api`;
/** What learns at link time which version it is: kubectl, and all servers. */
const VERSIONED = [
  "k8s.io/client-go/pkg/version",
  "k8s.io/component-base/version",
];

/**
 * Builds those of the programs that are missing, and says how far it is every 5 s. All of them take 10 minutes of
 * processor time when Go has nothing cached, and about as long by the clock on two busy cores.
 */
export async function buildPrograms(
  names: readonly Program[],
  say: (line: string) => void,
): Promise<Programs> {
  const files = ["go.mod", "go.sum"].map((file) => `${MODULE}/${file}`);
  const [module = ""] = await Promise.all(files.map(readText));
  const version = /^\tk8s\.io\/kubernetes (v\S+)/m.exec(module)?.[1];
  if (version === undefined) {
    throw new Problem(
      "config.invalid",
      `Cannot read ${MODULE}/go.mod: it requires no k8s.io/kubernetes`,
    );
  }
  const folder = await folderOf(files);
  const programs = { folder, version, path: pathIn(folder) };
  await buildMissing(MODULE, PACKAGES, names, stamps(version), programs, say);
  return programs;
}

/** The same for what runs in pods. */
export function buildGuests(
  { version }: Programs,
  say: (line: string) => void,
): Promise<Programs<Guest>> {
  return buildOwn(GUEST_MODULE, GUESTS, version, say);
}

/** The same for what tells whether we conform to the Gateway API. */
export function buildConformance(
  { version }: Pick<Programs, "version">,
  say: (line: string) => void,
): Promise<Programs<Conformance>> {
  return buildOwn(CONFORMANCE_MODULE, CONFORMANCE, version, say);
}

/** All programs of a module whose sources are here. */
async function buildOwn<Name extends string>(
  module: string,
  packages: Readonly<Record<Name, string>>,
  version: string,
  say: (line: string) => void,
): Promise<Programs<Name>> {
  const sources = [...new Bun.Glob("*/*").scanSync(module)].sort();
  const folder = await folderOf(
    ["go.mod", "go.sum", ...sources].map((file) => `${module}/${file}`),
  );
  const programs = { folder, version, path: pathIn(folder) };
  const names = Object.keys(packages) as Name[];
  await buildMissing(module, packages, names, [], programs, say);
  return programs;
}

function pathIn(folder: string): (name: string) => string {
  return (name) => `${folder}/${name}`;
}

/** Where programs made of these files are, built or not. */
async function folderOf(files: readonly string[]): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update((await Promise.all(files.map(readText))).join(""));
  return `${PROGRAMS}/${hasher.digest("hex").slice(0, 12)}`;
}

function readText(path: string): Promise<string> {
  return Bun.file(path).text();
}

async function buildMissing<Name extends string>(
  module: string,
  packages: Readonly<Record<Name, string>>,
  names: readonly Name[],
  stamps: readonly string[],
  { folder, version, path }: Programs<Name>,
  say: (line: string) => void,
): Promise<void> {
  await exclusively(folder, say, async () => {
    const missing = names.filter((name) => !existsSync(path(name)));
    if (missing.length === 0) return;
    await mkdir(folder, { recursive: true });
    const draft = await mkdtemp(`${folder}/draft-`);
    try {
      say(`building ${missing.join(", ")} for Kubernetes ${version}`);
      const mains = missing.map((name) => packages[name]);
      await goBuild({ module, output: draft, packages: mains, say, stamps });
      for (const name of missing) {
        await rename(`${draft}/${binaryName(packages[name])}`, path(name));
      }
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
}

/** As `go build -o folder/` names it: after the last part of the path that is not a major version. */
function binaryName(main: string): string {
  return basename(main.replace(/\/v\d+$/, ""));
}

/** The variables that Kubernetes' own build sets, for the linker. */
function stamps(version: string): readonly string[] {
  const [major, minor] = version.slice(1).split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return VERSIONED.flatMap((where) =>
    Object.entries(values).map(([name, value]) => `${where}.${name}=${value}`)
  );
}
