import { open, writeFile } from "node:fs/promises";
import type { Folder } from "./folder.ts";
import { formatHosts } from "./hosts.ts";
import { formatServiceRules } from "./kube-proxy.ts";
import { GATEWAY, type Layout } from "./layout.ts";
import { createNode } from "./network.ts";
import { startProgram } from "./program.ts";
import type { BedFetch } from "./proxy.ts";
import { readServices } from "./services.ts";
import { system } from "./system.ts";

/** The node of a bed: routing and names follow the manifest folder, and an agent inside carries the caller's requests. */
export interface Node {
  /** Name of its network namespace. */
  readonly netns: string;
  /** HTTP to an address in the bed; it arrives from the node, as a kubelet's probe would. */
  readonly fetch: BedFetch;
  /** Sends a datagram with this text over the bridge. */
  mark(text: string): Promise<void>;
  /** Path of the hosts file for pods of a namespace, kept up to date from now on. */
  hostsFor(namespace: string): Promise<string>;
  /** Brings service addresses and names in line with the folder. */
  sync(): Promise<void>;
}

/** Makes the node's namespace and starts its agent. */
export async function startNode(
  layout: Layout,
  folder: Folder,
): Promise<Node> {
  const netns = `${layout.id}.node`;
  await createNode(netns);
  const agent = startProgram(netns, [
    ...["bun", "demo/bed/agent.ts"],
    layout.agentSocket,
    BROADCAST,
  ], { uid: 0 });
  await agent.line("ready");
  const fetchInside: BedFetch = (url, init) =>
    // Pods of different beds have the same addresses: a kept connection could be another bed's.
    fetch(url, { ...init, unix: layout.agentSocket, keepalive: false });

  const hosts = new Map<string, string>();
  let rules = "";
  const apply = async (): Promise<void> => {
    const services = readServices(folder.objects());
    const wanted = formatServiceRules(services);
    if (wanted !== rules) {
      await system(
        ["ip", "netns", "exec", netns, "iptables-restore"],
        wanted,
      );
      rules = wanted;
    }
    for (const [namespace, present] of hosts) {
      const text = formatHosts(services, namespace);
      if (text === present) continue;
      await overwrite(`${layout.hosts}/${namespace}`, text);
      hosts.set(namespace, text);
    }
  };
  let last: Promise<void> = Promise.resolve();

  return {
    netns,
    fetch: fetchInside,
    async mark(text) {
      await fetchInside("http://node/mark", { method: "POST", body: text });
    },
    async hostsFor(namespace) {
      const path = `${layout.hosts}/${namespace}`;
      if (hosts.has(namespace)) return path;
      const text = formatHosts(readServices(folder.objects()), namespace);
      hosts.set(namespace, text);
      await writeFile(path, text);
      return path;
    },
    sync() {
      // One after the other, whether the one before succeeded or not; its own caller hears of a failure.
      last = last.then(apply, apply);
      return last;
    },
  };
}

/** All of the pod network. */
const BROADCAST = GATEWAY.replace(/\.\d+\.\d+$/, ".255.255");

/** Changes a file in place: running programs have it bind-mounted and would not see a new file of the same name. */
async function overwrite(path: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await using file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, 0);
  await file.truncate(bytes.length);
}
