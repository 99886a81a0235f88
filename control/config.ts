import { Problem } from "../schemas/problem.ts";
import {
  type DestinationConfig,
  parseDestination,
} from "./config/destination.ts";
import { type Flags, formatFlags } from "./config/flags.ts";
import { type IdentityConfig, parseIdentity } from "./config/identity.ts";
import {
  DESTINATION_FLAGS,
  IDENTITY_FLAGS,
  INJECTOR_FLAGS,
  METRICS_FLAGS,
  POLICY_VALIDATOR_FLAGS,
  SP_VALIDATOR_FLAGS,
} from "./config/known-flags.ts";
import { type MetricsConfig, parseMetrics } from "./config/metrics.ts";
import type { Env } from "./config/program.ts";
import {
  type InjectorConfig,
  parseInjector,
  parsePolicyValidator,
  parseProfileValidator,
  type ValidatorConfig,
} from "./config/webhooks.ts";

/** What one program of the control plane is told to do. */
export type ProgramConfig =
  | IdentityConfig
  | DestinationConfig
  | InjectorConfig
  | MetricsConfig
  | ValidatorConfig;

export type Config =
  | ProgramConfig
  | { readonly program: "help"; readonly text: string };

interface Program {
  readonly name: ProgramConfig["program"];
  readonly about: string;
  readonly flags: Flags;
  readonly parse: (argv: readonly string[], env: Env) => ProgramConfig;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "identity",
    about: "issues certificates to proxies",
    flags: IDENTITY_FLAGS,
    parse: parseIdentity,
  },
  {
    name: "destination",
    about: "tells proxies where to go and whom to let in",
    flags: DESTINATION_FLAGS,
    parse: parseDestination,
  },
  {
    name: "metrics",
    about: "scrapes proxies and answers what the golden metrics are",
    flags: METRICS_FLAGS,
    parse: parseMetrics,
  },
  {
    name: "proxy-injector",
    about: "the webhook that gives pods their proxies",
    flags: INJECTOR_FLAGS,
    parse: parseInjector,
  },
  {
    name: "policy-validator",
    about: "the webhook that refuses policies without a meaning",
    flags: POLICY_VALIDATOR_FLAGS,
    parse: parsePolicyValidator,
  },
  {
    name: "sp-validator",
    about: "the same for ServiceProfiles",
    flags: SP_VALIDATOR_FLAGS,
    parse: parseProfileValidator,
  },
];

/** A command line (without the program's own name) and environment to Config; throws `config.invalid` with all mistakes. */
export function parseConfig(argv: readonly string[], env: Env): Config {
  if (argv.some((word) => /^--?h(elp)?$/.test(word))) {
    return { program: "help", text: formatHelp() };
  }
  const [word, ...rest] = argv;
  const program = PROGRAMS.find(({ name }) => name === word);
  if (program !== undefined) return program.parse(rest, env);
  const names = PROGRAMS.map(({ name }) => name).join(", ");
  throw new Problem(
    "config.invalid",
    `Cannot start "${word ?? ""}": expected one of ${names}`,
    { hint: "--help lists programs and flags" },
  );
}

function formatHelp(): string {
  const programs = PROGRAMS.map(({ name, about, flags }) =>
    `${name}: ${about}\n${formatFlags(flags)}`
  );
  return ["The control plane's programs\n", ...programs].join("\n");
}
