import { Problem } from "../../schemas/problem.ts";
import { type Capture, startCapture } from "./capture.ts";
import { claim, demolish, reapStale } from "./claim.ts";
import { openFolder } from "./folder.ts";
import { formatNth, type Layout } from "./layout.ts";
import { type Node, startNode } from "./node.ts";
import { type KubeObject, namespaceObject } from "./objects.ts";
import { createPod, type Pod, type PodContext, type PodSpec } from "./pod.ts";
import type { BedFetch } from "./proxy.ts";
import { createService, type Service, type ServiceSpec } from "./service.ts";
import { createTokenIssuer, type TokenIssuer } from "./tokens.ts";
import { type Anchor, createAnchor } from "./trust.ts";

export interface BedOptions {
  /** A word in the names of the bed's namespaces; `bed` by default. */
  readonly name?: string;
  /** Told of manifests that cannot be read and of leftovers removed; standard error by default. */
  readonly log?: (line: string) => void;
}

/** A mesh of network namespaces on this machine: the node, its pods, and a folder of manifests that says what they are. */
export interface Bed {
  readonly layout: Layout;
  /** Network namespace of the node, where the bridge is. */
  readonly node: string;
  readonly anchor: Anchor;
  readonly tokens: TokenIssuer;
  /** HTTP from the node to a pod's or service's address. */
  readonly fetch: BedFetch;
  /** Adds a pod and waits until its proxy is ready. */
  addPod(spec: PodSpec): Promise<Pod>;
  /** Adds a pod without waiting for its proxy. */
  createPod(spec: PodSpec): Promise<Pod>;
  /** Writes a Service and its EndpointSlice; names and addresses work when it resolves. */
  addService(spec: ServiceSpec): Promise<Service>;
  /** Writes objects to the manifest folder; services and names follow before it resolves. */
  apply(...objects: readonly KubeObject[]): Promise<void>;
  remove(...objects: readonly KubeObject[]): Promise<void>;
  /** Records the packets on the bridge that match a pcap-filter(7) expression; `tcp` by default. */
  capture(filter?: string): Promise<Capture>;
  /** Ends and removes everything. */
  close(): Promise<void>;
}

/** Opens an empty bed; first removes what crashed runs left. Needs root. */
export async function openBed(options: BedOptions = {}): Promise<Bed> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    const user = process.getuid?.() ?? "unknown";
    throw new Problem(
      "system.failed",
      `Cannot make network namespaces on ${process.platform} as user ${user}, expected root on linux`,
      { hint: "run it as root, for instance with sudo" },
    );
  }
  const log = options.log ?? ((line) => process.stderr.write(`${line}\n`));
  for (const id of await reapStale()) log(`removed what ${id} left behind`);
  const layout = await claim(options.name ?? "bed", randomSuffix());
  try {
    return await furnish(layout, log);
  } catch (error) {
    await demolish(layout.id);
    throw error;
  }
}

async function furnish(
  layout: Layout,
  log: (line: string) => void,
): Promise<Bed> {
  let node: Node | null = null;
  const folder = openFolder(
    layout.manifests,
    () => void node?.sync().catch((error) => log(String(error))),
    (problem) => log(problem.message),
  );
  const [started, anchor, tokens] = await Promise.all([
    startNode(layout, folder),
    createAnchor(Date.now()),
    createTokenIssuer(),
  ]);
  node = started;
  const { netns, fetch, mark, sync, hostsFor } = started;
  const context: PodContext = {
    layout,
    node: netns,
    folder,
    tokens,
    anchorsPem: anchor.pem,
    fetch,
    hostsFor,
  };
  const namespaces = new Set<string>();
  const counts = { pods: 0, services: 0, captures: 0 };
  const making = new Set<Promise<Pod>>();
  let closed = false;

  const apply = async (...objects: readonly KubeObject[]): Promise<void> => {
    await Promise.all(objects.map((object) => folder.write(object)));
    await sync();
  };
  const ensureNamespace = async (name: string): Promise<void> => {
    if (namespaces.has(name)) return;
    namespaces.add(name);
    await folder.write(namespaceObject(name));
  };

  const bed: Bed = {
    layout,
    node: netns,
    anchor,
    tokens,
    fetch,
    async createPod(spec) {
      if (closed) throw new TypeError("Cannot add a pod to a closed bed");
      const index = counts.pods++;
      const ip = formatNth("10.42", index);
      const pod = ensureNamespace(spec.namespace ?? "default")
        .then(() => createPod(context, spec, { index, ip }));
      making.add(pod);
      try {
        return await pod;
      } finally {
        making.delete(pod);
      }
    },
    async addPod(spec) {
      const pod = await bed.createPod(spec);
      await pod.proxy?.ready();
      return pod;
    },
    async addService(spec) {
      const clusterIp = formatNth("10.96", counts.services++);
      await ensureNamespace(spec.namespace ?? "default");
      return await createService(spec, clusterIp, apply);
    },
    apply,
    async remove(...objects) {
      await Promise.all(objects.map((object) => folder.remove(object)));
      await sync();
    },
    capture: (filter = "tcp") =>
      startCapture({
        node: netns,
        file: `${layout.home}/capture-${counts.captures++}.pcap`,
        filter,
        mark,
      }),
    async close() {
      closed = true;
      folder.close();
      // A pod that is half made would outlive what is removed now.
      await Promise.allSettled(making);
      await demolish(layout.id);
    },
  };
  return bed;
}

/** Four characters: enough to keep the beds of parallel tests apart, short enough to type. */
function randomSuffix(): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return number.toString(36).padStart(4, "0").slice(-4);
}
