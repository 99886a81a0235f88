import type { ApiServer } from "../kube/in-cluster.ts";
import {
  INJECTOR_FLAGS,
  POLICY_VALIDATOR_FLAGS,
  SP_VALIDATOR_FLAGS,
} from "./known-flags.ts";
import {
  type Common,
  type Env,
  readApiServer,
  readProgram,
} from "./program.ts";
import { parseLabel, parseSpan } from "./values.ts";

interface Webhook extends Common {
  /** Folder of certificate and key. */
  readonly certificate: string;
  /** How long it goes on answering once it is told to end. */
  readonly drainMs: number;
}

export interface InjectorConfig extends Webhook {
  readonly program: "proxy-injector";
  /** The control plane's. */
  readonly namespace: string;
  readonly server: ApiServer;
  /** Folder of the ConfigMap `linkerd-config`. */
  readonly configFolder: string;
  /** File of trust anchors. */
  readonly anchors: string;
}

export interface ValidatorConfig extends Webhook {
  readonly program: "policy-validator" | "sp-validator";
}

export function parseInjector(
  argv: readonly string[],
  env: Env,
): InjectorConfig {
  return readProgram(argv, env, INJECTOR_FLAGS, (flags) => ({
    program: "proxy-injector",
    namespace: flags.read("controller-namespace", parseLabel),
    server: readApiServer(flags, env),
    configFolder: flags.text("config"),
    anchors: flags.text("identity-trust-anchors"),
    certificate: flags.text("tls"),
    drainMs: flags.read("drain", parseSpan),
  }));
}

export function parsePolicyValidator(
  argv: readonly string[],
  env: Env,
): ValidatorConfig {
  return readProgram(argv, env, POLICY_VALIDATOR_FLAGS, (flags) => ({
    program: "policy-validator",
    certificate: flags.text("tls"),
    drainMs: flags.read("drain", parseSpan),
  }));
}

export function parseProfileValidator(
  argv: readonly string[],
  env: Env,
): ValidatorConfig {
  return readProgram(argv, env, SP_VALIDATOR_FLAGS, (flags) => ({
    program: "sp-validator",
    certificate: flags.text("tls"),
    drainMs: flags.read("drain", parseSpan),
  }));
}
