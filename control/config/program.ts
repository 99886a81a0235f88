import { describe, Problem } from "../../schemas/problem.ts";
import { type ApiServer, findApiServer } from "../kube/in-cluster.ts";
import { LEVELS, type LogOptions } from "../log.ts";
import { type ListenAddress, parseListenAddress } from "./address.ts";
import { type FlagReader, type Flags, readFlags } from "./flags.ts";
import { oneOf } from "./values.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** What every program is told. */
export interface Common {
  readonly address: ListenAddress;
  readonly adminAddress: ListenAddress;
  readonly log: Pick<LogOptions, "level" | "format">;
}

/** Where a program reads the world, or who knows callers' tokens. */
export const SOURCES = ["kube", "files"] as const;

/** Flags that every program has. */
type CommonFlag = "addr" | "admin-addr" | "log-level" | "log-format";

/** Reads a command line by its table of flags; throws `config.invalid` with all mistakes. */
export function readProgram<Name extends string, Own>(
  argv: readonly string[],
  env: Env,
  known: Flags & Readonly<Record<Name | CommonFlag, Flags[string]>>,
  read: (flags: FlagReader<Name>) => Own,
): Common & Own {
  const flags = readFlags<Name | CommonFlag>(argv, known);
  const config = {
    address: flags.read("addr", parseListenAddress),
    adminAddress: flags.read("admin-addr", parseListenAddress),
    log: {
      level: flags.read("log-level", oneOf(LEVELS)),
      format: flags.read("log-format", oneOf(["plain", "json"] as const)),
    },
    ...read(flags),
  };
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    flags.fail(
      "NODE_TLS_REJECT_UNAUTHORIZED=0: it would make TLS clients believe anyone; unset it",
    );
  }
  const { mistakes } = flags;
  if (mistakes.length === 0) return config;
  throw new Problem(
    "config.invalid",
    `Cannot start, ${mistakes.length} ${
      mistakes.length === 1 ? "mistake" : "mistakes"
    }:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`,
    { hint: "--help lists programs and flags" },
  );
}

/** The API server of this pod's cluster; that there is none is a mistake. */
export function readApiServer(
  flags: Pick<FlagReader<never>, "fail">,
  env: Env,
): ApiServer {
  try {
    return findApiServer(env);
  } catch (error) {
    flags.fail(describe(error));
    return findApiServer(PLACEHOLDER_CLUSTER);
  }
}

/** Stands in a Config that is thrown away for its mistakes. */
const PLACEHOLDER_CLUSTER = {
  KUBERNETES_SERVICE_HOST: "invalid",
  KUBERNETES_SERVICE_PORT: "443",
};
