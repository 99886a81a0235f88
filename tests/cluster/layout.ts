import { resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");

/** Where the API server of this checkout lives that is alone. */
export const API_HOME = `${ROOT}/.cache/cluster`;
/** Where the cluster of this checkout lives that has a node, unless somebody wants to try things on another. */
export const NODE_HOME = process.env["CLUSTER_NODE_HOME"] ??
  `${ROOT}/.cache/cluster-node`;
/** Where built programs are kept, a folder per set of versions. */
export const PROGRAMS = `${ROOT}/.cache/cluster-programs`;

/** The files of one cluster; all of them lie below `home`, so that removing it leaves nothing. */
export interface Layout {
  readonly home: string;
  /** What runs, see `record.ts`. */
  readonly record: string;
  /** Of the administrator, with a client certificate of group `system:masters`. */
  readonly kubeconfig: string;
  readonly pki: string;
  readonly data: string;
  readonly logs: string;
  /** What only the node sees: its configuration, its containers, what pods log. */
  readonly node: string;
}

/** The files of the cluster that lives in the folder `home`. */
export function createLayout(home: string): Layout {
  const path = resolve(home);
  return {
    home: path,
    record: `${path}/cluster.json`,
    kubeconfig: `${path}/kubeconfig`,
    pki: `${path}/pki`,
    data: `${path}/etcd`,
    logs: `${path}/logs`,
    node: `${path}/node`,
  };
}
