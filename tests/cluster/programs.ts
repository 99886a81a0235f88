// The programs of a Kubernetes cluster, built from the Go module proxy: `programs/go.mod` pins them.
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
  "kubectl": "k8s.io/kubernetes/cmd/kubectl",
} as const;

export type Program = keyof typeof PACKAGES;

/** A version of all programs. */
export interface Programs {
  /** Where they are; another folder for each set of versions. */
  readonly folder: string;
  /** Of Kubernetes, such as `v1.34.4`. */
  readonly version: string;
  /** The path of one of them. */
  path(name: Program): string;
}

const MODULE = `${import.meta.dir}/programs`;
/** What learns at link time which version it is: kubectl, and all servers. */
const VERSIONED = [
  "k8s.io/client-go/pkg/version",
  "k8s.io/component-base/version",
];

/**
 * Builds those of the programs that are missing, and says how far it is every 5 s. All of them take 9.5 minutes of
 * processor time when Go has nothing cached, 10 minutes by the clock on two busy cores.
 */
export async function buildPrograms(
  names: readonly Program[],
  say: (line: string) => void,
): Promise<Programs> {
  const programs = await findPrograms();
  await exclusively(programs.folder, say, async () => {
    const missing = names.filter((name) => !existsSync(programs.path(name)));
    if (missing.length > 0) await build(missing, programs, say);
  });
  return programs;
}

/** Where the programs of these versions are, built or not. */
async function findPrograms(): Promise<Programs> {
  const hasher = new Bun.CryptoHasher("sha256");
  const [module, sums] = await Promise.all(
    ["go.mod", "go.sum"].map((file) => Bun.file(`${MODULE}/${file}`).text()),
  );
  hasher.update(`${module}${sums}`);
  const folder = `${PROGRAMS}/${hasher.digest("hex").slice(0, 12)}`;
  const version = /^\tk8s\.io\/kubernetes (v\S+)/m.exec(module ?? "")?.[1];
  if (version === undefined) {
    throw new Problem(
      "config.invalid",
      `Cannot read ${MODULE}/go.mod: it requires no k8s.io/kubernetes`,
    );
  }
  return { folder, version, path: (name) => `${folder}/${name}` };
}

async function build(
  names: readonly Program[],
  { folder, version, path }: Programs,
  say: (line: string) => void,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = await mkdtemp(`${folder}/draft-`);
  try {
    say(`building ${names.join(", ")} of Kubernetes ${version} (go build)`);
    const packages = names.map((name) => PACKAGES[name]);
    await goBuild({
      module: MODULE,
      output: draft,
      packages,
      say,
      stamps: stamps(version),
    });
    for (const name of names) {
      await rename(`${draft}/${binaryName(PACKAGES[name])}`, path(name));
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
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
