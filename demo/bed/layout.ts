import { resolve } from "node:path";

/** Where every bed keeps its files; `repo` in it is only a mount point, the rest are beds. */
export const BEDS = "/run/linkerd-beds";

/** Where programs in pods see this repository: a private bind mount, because a clone in /root is closed to their users. */
export const MOUNT = `${BEDS}/repo`;

/** This repository as the caller sees it. */
export const REPOSITORY = resolve(import.meta.dir, "../..");

/** The user that applications run as: any but root and the proxy's. */
export const APPLICATION_UID = 2000;

/** Addresses inside a bed; beds share them because their networks never meet. */
export const GATEWAY = "10.42.0.1";
export const POD_NETWORK = "10.42.0.0/16";
export const SERVICE_NETWORK = "10.96.0.0/16";

/** Addresses left out at the start of both networks: the gateway and some room for tests. */
const FIRST_ADDRESS = 10;
/** A /16 less its first and last addresses. */
const MAX_ADDRESSES = 65_000;

/** The n-th address of pods (`10.42`) or services (`10.96`), counted from 0. */
export function formatNth(base: "10.42" | "10.96", index: number): string {
  if (index >= MAX_ADDRESSES) {
    throw new RangeError(`Cannot number address ${index} of ${base}.0.0/16`);
  }
  const at = index + FIRST_ADDRESS;
  return `${base}.${at >> 8}.${at & 255}`;
}

/** The files of one bed. */
export interface Layout {
  /** Unique among live beds; every namespace of the bed is named `<id>.<pod>`, the node's `<id>.node`. */
  readonly id: string;
  readonly home: string;
  readonly manifests: string;
  readonly trust: string;
  readonly pods: string;
  readonly hosts: string;
  readonly agentSocket: string;
}

/** The files of the bed with this id. */
export function createLayout(id: string): Layout {
  const home = `${BEDS}/${id}`;
  return {
    id,
    home,
    manifests: `${home}/manifests`,
    trust: `${home}/trust`,
    pods: `${home}/pods`,
    hosts: `${home}/hosts`,
    agentSocket: `${home}/agent.sock`,
  };
}
