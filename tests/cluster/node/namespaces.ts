// The node: a machine of its own made of namespaces for networks, mounts and processes. Its first process is all that
// holds it together. When that ends, the kernel ends every process in it, and with them go its mounts, interfaces and
// rules of iptables, of which nothing was ever seen on this machine but one end of a cable.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { system } from "../../../demo/bed/system.ts";
import { waitFor } from "../../../demo/bed/wait.ts";
import { Problem } from "../../../schemas/problem.ts";
import type { Layout } from "../layout.ts";
import type { Daemon } from "../process.ts";
import { type Link, SERVICE_NETWORK } from "./addresses.ts";

/** Folders that the node has of its own, so that neither sees what the other writes there. */
const OWN = ["/run", "/var/lib", "/var/log"];
/**
 * Settings of the kernel that a kubelet insists on. They know no namespaces: where they are otherwise, it is shown what
 * it wants to see, and this machine keeps what it has.
 */
const WANTED_SETTINGS = {
  "kernel/keys/root_maxbytes": "25000000",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
};

/** The name of the node's cgroup, and of the interface on this machine's side; the same for the same folder. */
export function nodeId({ home }: Layout): string {
  return `l5d-${createHash("sha256").update(home).digest("hex").slice(0, 10)}`;
}

/** The command line of the node's first process, given a program that does nothing. */
export function nodeArgs(pause: string): string[] {
  return [
    ...["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc"],
    // What this machine unmounts is not held on to.
    ...["--propagation", "slave"],
    // Whichever of the two is killed, the other ends too.
    ...["--kill-child", pause],
  ];
}

/** Puts a program on the node's network; it stays a process of this machine. */
export function onNetwork({ pid }: Daemon): string[] {
  return ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
}

/** Puts a program into the node, as a child of the process that this starts. */
export function inside({ pid }: Daemon): string[] {
  const namespaces = `/proc/${pid}/ns`;
  return [
    ...["nsenter", `--net=${namespaces}/net`, `--mount=${namespaces}/mnt`],
    ...[`--pid=${namespaces}/pid_for_children`, "--"],
  ];
}

/** Gives a node that was just started its folders, and its network with a cable to this machine. */
export async function furnish(
  node: Daemon,
  layout: Layout,
  link: Link,
): Promise<void> {
  for (const folder of OWN) {
    if (!`${layout.home}/`.startsWith(`${folder}/`)) continue;
    throw new Problem(
      "config.invalid",
      `Cannot run a node in "${layout.home}": it has a ${folder} of its own, ` +
        "expected a folder elsewhere",
    );
  }
  await untilAlone(node);
  const run = (command: string) =>
    system([...inside(node), ...command.split(" ")]);
  const mount = (from: string, to: string) =>
    system([...inside(node), "mount", "--bind", from, to]);
  await run("mount --make-rshared /");
  for (const folder of OWN) {
    const own = `${layout.node}${folder}`;
    await mkdir(own, { recursive: true });
    await mount(own, folder);
  }
  for (const [name, value] of Object.entries(WANTED_SETTINGS)) {
    const file = `${layout.node}/${basename(name)}`;
    await writeFile(file, `${value}\n`);
    await mount(file, `/proc/sys/${name}`);
  }
  const id = nodeId(layout);
  await system(
    `ip link add ${id} type veth peer name eth0 netns ${node.pid}`.split(" "),
  );
  await system(`ip addr add ${link.machine}/30 dev ${id}`.split(" "));
  await system(`ip link set ${id} up`.split(" "));
  await run("ip link set lo up");
  await run(`ip addr add ${link.node}/30 dev eth0`);
  await run("ip link set eth0 up");
  // What is sent to a Service must get as far as the rules that put another address in its place.
  await run(`ip route add ${SERVICE_NETWORK} dev eth0`);
  await run("ip route add unreachable default");
  await run("sysctl -q -w net.ipv4.ip_forward=1");
}

/**
 * Removes the cable. It would go with the node's network, but the kernel keeps that for minutes when connections were
 * cut whose last words nobody confirms.
 */
export async function unplug(layout: Layout): Promise<void> {
  const id = nodeId(layout);
  if (!existsSync(`/sys/class/net/${id}`)) return;
  await system(["ip", "link", "del", id]).catch((error) => {
    if (existsSync(`/sys/class/net/${id}`)) throw error;
  });
}

/** Until the first process is up, `/proc` is still that of this machine. */
async function untilAlone(node: Daemon): Promise<void> {
  const look = [...inside(node), "cat", "/proc/1/comm"];
  await waitFor(
    async () => await system(look).catch(() => "") === "pause\n" ? true : null,
    { what: () => "the first process of the node" },
  );
}
