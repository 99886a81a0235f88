import type { LoadResult } from "../workloads/load.ts";
import type { Pod } from "./pod.ts";
import { ended } from "./program.ts";

/** What to send; without `requests` or `for` until `stop`. */
export interface LoadSpec {
  readonly url: string;
  readonly method?: string;
  /** Lines as `name: value`. */
  readonly headers?: readonly string[];
  readonly body?: string;
  /** 1 by default. */
  readonly connections?: number;
  /** Requests per second in all; as fast as the answers come by default. */
  readonly rate?: number;
  readonly requests?: number;
  /** A duration such as `10s`. */
  readonly for?: string;
}

/** A load generator that runs in a pod. */
export interface Load {
  /** Resolves after the first answer, or the first failure to get one. */
  started(): Promise<void>;
  /** What was counted, once it has ended by itself. */
  result(): Promise<LoadResult>;
  /** Ends it after the answers it awaits. */
  stop(): Promise<LoadResult>;
}

/** Starts HTTP/1.1 keep-alive load from a pod. */
export function startLoad(pod: Pod, spec: LoadSpec): Load {
  const { headers = [], ...rest } = spec;
  const flags = Object.entries(rest)
    .flatMap(([name, value]) => [`--${name}`, String(value)]);
  const argv = [
    ...["bun", "demo/workloads/load.ts", ...flags],
    ...headers.flatMap((line) => ["--header", line]),
  ];
  const program = pod.run(argv);
  const result = async (): Promise<LoadResult> => {
    const { code, stdout } = await program.exited;
    if (code !== 0) throw ended(argv, code, program.tail());
    return JSON.parse(stdout) as LoadResult;
  };
  return {
    started: async () => {
      await program.line("started");
    },
    result,
    stop: async () => {
      await program.stop("SIGTERM");
      return await result();
    },
  };
}
