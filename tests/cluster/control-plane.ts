import {
  apiServerArgs,
  controllerManagerArgs,
  etcdArgs,
  schedulerArgs,
} from "./components.ts";
import type { Credentials } from "./credentials.ts";
import type { Layout } from "./layout.ts";
import { onNetwork } from "./node/namespaces.ts";
import type { Daemon } from "./process.ts";
import type { Program, Programs } from "./programs.ts";
import { CONTROLLED, READY } from "./ready.ts";
import type { Starter } from "./starter.ts";

/**
 * Starts etcd, the API server and the controllers, and waits until they work: on the node's network and with all of
 * them, or on this machine with no more than an API server that is alone needs.
 */
export async function startControlPlane(
  { start, wait, record }: Starter,
  layout: Layout,
  { path }: Programs,
  credentials: Credentials,
  node: Daemon | null,
): Promise<void> {
  const { ports, link } = record();
  const entrance = node === null ? [] : onNetwork(node);
  const run = (name: Program, args: readonly string[]) =>
    start(name, [path(name), ...args], entrance);
  run("etcd", etcdArgs(layout, ports));
  run("kube-apiserver", apiServerArgs(credentials, ports, link));
  await wait(READY);
  run("kube-controller-manager", controllerManagerArgs(credentials, link));
  if (node !== null) run("kube-scheduler", schedulerArgs(credentials));
  await wait(CONTROLLED);
}
