import { mkdir, writeFile } from "node:fs/promises";
import { system } from "../../../demo/bed/system.ts";
import { waitFor } from "../../../demo/bed/wait.ts";
import type { Layout } from "../layout.ts";
import type { Daemon } from "../process.ts";
import { POD_NETWORK } from "./addresses.ts";
import { inside } from "./namespaces.ts";

/** In the node's own `/run`. */
export const CONTAINERD = "/run/containerd/containerd.sock";

/** Where Debian has the plugins. */
const CNI_PLUGINS = "/usr/lib/cni";

/** Writes the configurations of containerd and of the pods' network; returns the command line. */
export async function containerdArgs(
  layout: Layout,
  sandboxImage: string,
): Promise<string[]> {
  const networks = `${layout.node}/cni`;
  await mkdir(networks, { recursive: true });
  await writeFile(`${networks}/pods.conflist`, JSON.stringify(POD_CNI));
  const config = `${layout.node}/containerd.toml`;
  await writeFile(
    config,
    formatConfig({
      version: 2,
      root: "/var/lib/containerd",
      state: "/run/containerd",
      // Snapshots of filesystems that hardly any machine has.
      disabled_plugins: ["aufs", "btrfs", "devmapper", "zfs"]
        .map((name) => `io.containerd.snapshotter.v1.${name}`),
      grpc: { address: CONTAINERD },
      plugins: {
        // Else it makes a folder in /opt.
        "io.containerd.internal.v1.opt": { path: "/var/lib/containerd/opt" },
        "io.containerd.grpc.v1.cri": {
          sandbox_image: sandboxImage,
          disable_apparmor: true,
          // Root of a machine in a sandbox may often not protect a process from running out of memory.
          restrict_oom_score_adj: true,
          containerd: {
            snapshotter: await chooseSnapshotter(layout),
            default_runtime_name: "runc",
            runtimes: {
              runc: {
                runtime_type: "io.containerd.runc.v2",
                options: { BinaryName: "/usr/sbin/runc", SystemdCgroup: false },
              },
            },
          },
          cni: { bin_dir: CNI_PLUGINS, conf_dir: networks },
        },
      },
    }),
  );
  return ["containerd", "--config", config];
}

/** Each pod on a cable of its own to the node, which routes: all that is sent passes the rules of kube-proxy. */
const POD_CNI = {
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [
    {
      type: "ptp",
      ipam: {
        type: "host-local",
        dataDir: "/run/cni",
        ranges: [[{ subnet: POD_NETWORK }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** Makes the images of an archive known to the node, once its containerd listens. */
export async function importImages(
  layout: Layout,
  node: Daemon,
  archive: string,
): Promise<void> {
  const ctr = [...inside(node), "ctr", "--address", CONTAINERD, "-n", "k8s.io"];
  await waitFor(
    () => system([...ctr, "version"]).then(() => true, () => null),
    { what: () => "containerd", intervalMs: 100 },
  );
  const snapshotter = await chooseSnapshotter(layout);
  await system([
    ...[...ctr, "images", "import", "--snapshotter", snapshotter, archive],
  ]);
}

/** Overlays do not lie on overlays, which is what the files of a container are. */
async function chooseSnapshotter({ node }: Layout): Promise<string> {
  const type = await system(["stat", "-f", "-c", "%T", node]);
  return type.trim() === "overlayfs" ? "native" : "overlayfs";
}

type Toml = { readonly [name: string]: TomlValue };
type TomlValue = string | number | boolean | readonly string[] | Toml;

/** The little of TOML that this needs: its strings, numbers and lists look as in JSON. */
function formatConfig(table: Toml, path: readonly string[] = []): string {
  const lines: string[] = [];
  const tables: string[] = [];
  for (const [name, value] of Object.entries(table)) {
    if (typeof value === "object" && !Array.isArray(value)) {
      const inner = [...path, JSON.stringify(name)];
      tables.push(`[${inner.join(".")}]`, formatConfig(value as Toml, inner));
    } else lines.push(`${name} = ${JSON.stringify(value)}`);
  }
  return [...lines, ...tables].join("\n");
}
