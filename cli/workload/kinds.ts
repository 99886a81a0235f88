import { Problem } from "../../schemas/problem.ts";

/** A kind whose objects are pods, or make some. */
export interface WorkloadKind {
  readonly kind: string;
  /** Where its lists are, but for the namespace. */
  readonly prefix: string;
  readonly plural: string;
  /** What people type for it; singular and plural aside. */
  readonly short?: string;
  /** The kind between it and its pods. */
  readonly by?: WorkloadKind;
}

const JOB: WorkloadKind = {
  kind: "Job",
  prefix: "/apis/batch/v1",
  plural: "jobs",
};
const REPLICA_SET: WorkloadKind = {
  kind: "ReplicaSet",
  prefix: "/apis/apps/v1",
  plural: "replicasets",
  short: "rs",
};

export const POD: WorkloadKind = {
  kind: "Pod",
  prefix: "/api/v1",
  plural: "pods",
  short: "po",
};
export const DEPLOYMENT: WorkloadKind = {
  kind: "Deployment",
  prefix: "/apis/apps/v1",
  plural: "deployments",
  short: "deploy",
  by: REPLICA_SET,
};

/** Kinds that commands take pods of. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  POD,
  {
    kind: "CronJob",
    prefix: "/apis/batch/v1",
    plural: "cronjobs",
    short: "cj",
    by: JOB,
  },
  {
    kind: "DaemonSet",
    prefix: "/apis/apps/v1",
    plural: "daemonsets",
    short: "ds",
  },
  DEPLOYMENT,
  JOB,
  REPLICA_SET,
  {
    kind: "ReplicationController",
    prefix: "/api/v1",
    plural: "replicationcontrollers",
    short: "rc",
  },
  {
    kind: "StatefulSet",
    prefix: "/apis/apps/v1",
    plural: "statefulsets",
    short: "sts",
  },
];

/** A workload, or all of a kind when no name is given. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly name: string | undefined;
}

/** Reads `deploy/web`, `deploy web` or `deploy`. Throws `config.invalid`. */
export function parseWorkload(words: readonly string[]): Workload {
  const [first = "", ...more] = words;
  const [word = "", ...inside] = first.split("/");
  const names = [...inside, ...more];
  const [name] = names;
  if (word === "" || name === "" || names.length > 1) {
    throw new Problem(
      "config.invalid",
      `invalid resource string: ${words.join(" ")}`,
      { hint: "expected TYPE/NAME or TYPE, such as deploy/web" },
    );
  }
  return { kind: findKind(word), name };
}

function findKind(word: string): WorkloadKind {
  const lower = word.toLowerCase();
  const found = WORKLOAD_KINDS.find(({ kind, plural, short }) =>
    [kind.toLowerCase(), plural, short].includes(lower)
  );
  if (found !== undefined) return found;
  throw new Problem("config.invalid", `unsupported resource type: ${word}`, {
    hint: `expected one of ${
      WORKLOAD_KINDS.map(({ kind }) => kind.toLowerCase()).join(", ")
    }`,
  });
}
