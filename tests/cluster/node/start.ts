import { mkdir } from "node:fs/promises";
import type { Credentials } from "../credentials.ts";
import { kubectl } from "../kubectl.ts";
import type { Layout } from "../layout.ts";
import type { Daemon } from "../process.ts";
import type { Guest, Programs } from "../programs.ts";
import { NAMES_RESOLVE, NODE_READY } from "../ready.ts";
import type { Starter } from "../starter.ts";
import type { Link } from "./addresses.ts";
import { makeCgroups } from "./cgroups.ts";
import { containerdArgs, importImages } from "./containerd.ts";
import { DNS_OBJECTS } from "./dns.ts";
import { PAUSE_IMAGE } from "./images.ts";
import { kubeletArgs, kubeProxyArgs } from "./kubelet.ts";
import { furnish, inside, nodeArgs, nodeId } from "./namespaces.ts";

/** Makes the machine that a cluster runs on; returns its first process. */
export async function startMachine(
  starter: Starter,
  layout: Layout,
  link: Link,
  guests: Programs<Guest>,
): Promise<Daemon> {
  await mkdir(layout.node);
  const node = starter.start("node", nodeArgs(guests.path("pause")));
  await furnish(node, layout, link);
  await makeCgroups(nodeId(layout));
  return node;
}

/** Starts what runs containers, with the images in `archives`. */
export async function startContainerd(
  starter: Starter,
  layout: Layout,
  node: Daemon,
  archives: readonly string[],
): Promise<void> {
  const argv = await containerdArgs(layout, PAUSE_IMAGE);
  await starter.startThrough("containerd", argv, inside(node));
  for (const archive of archives) await importImages(layout, node, archive);
}

/** Makes the machine a node of the cluster, and waits until pods run on it and find each other by name. */
export async function joinCluster(
  starter: Starter,
  layout: Layout,
  link: Link,
  node: Daemon,
  { path }: Programs,
  credentials: Credentials,
): Promise<void> {
  const run = (name: "kubelet" | "kube-proxy", args: readonly string[]) =>
    starter.startThrough(name, [path(name), ...args], inside(node));
  await run("kubelet", await kubeletArgs(layout, credentials, link));
  await run("kube-proxy", kubeProxyArgs(credentials));
  await kubectl(
    starter.access,
    ["apply", "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "List", items: DNS_OBJECTS }),
  );
  await starter.wait(NODE_READY);
  await starter.wait(NAMES_RESOLVE);
}
