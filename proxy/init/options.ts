import { parseNetwork } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Mode } from "./firewall.ts";
import { type FlagTable, readFlags } from "./flags.ts";
import {
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
} from "./log.ts";
import { parsePort, parsePortRange } from "./ports.ts";
import type { Redirection } from "./rules.ts";

/** All that the command line says. */
export interface InitOptions {
  readonly redirection: Redirection;
  readonly mode: Mode;
  readonly ipv6: boolean;
  /** Path of the network namespace to work in; null is our own. */
  readonly netns: string | null;
  /** Seconds that conntrack keeps half-closed connections; null leaves the kernel's setting. */
  readonly closeWaitSecs: number | null;
  /** Print the commands, change nothing. */
  readonly simulate: boolean;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

const FLAGS = {
  "incoming-proxy-port": { type: "string", short: "p" },
  "outgoing-proxy-port": { type: "string", short: "o" },
  "proxy-uid": { type: "string", short: "u" },
  "proxy-gid": { type: "string", short: "g" },
  "ports-to-redirect": { type: "string", short: "r" },
  "inbound-ports-to-ignore": { type: "string" },
  "outbound-ports-to-ignore": { type: "string" },
  "subnets-to-ignore": { type: "string" },
  "iptables-mode": { type: "string" },
  "firewall-bin-path": { type: "string" },
  "firewall-save-bin-path": { type: "string" },
  "ipv6": { type: "boolean" },
  "netns": { type: "string" },
  "use-wait-flag": { type: "boolean", short: "w" },
  "timeout-close-wait-secs": { type: "string" },
  "simulate": { type: "boolean" },
  "log-format": { type: "string" },
  "log-level": { type: "string" },
} as const satisfies FlagTable;

type FlagName = keyof typeof FLAGS;

const MODES: Readonly<Record<string, Mode>> = {
  legacy: "legacy",
  nft: "nft",
  plain: "plain",
  "iptables-legacy": "legacy",
  "iptables-nft": "nft",
  "iptables": "plain",
};

/** Options of a command line; throws one `config.invalid` that names every mistake. */
export function parseOptions(argv: readonly string[]): InitOptions {
  const { texts, problems: unread } = readFlags(argv, FLAGS);
  const problems = [...unread];
  const last = (name: FlagName): string => texts.get(name)?.at(-1) ?? "";
  const list = (name: FlagName): string[] =>
    (texts.get(name) ?? []).flatMap((text) => text.split(","))
      .map((text) => text.trim()).filter((text) => text !== "");
  const expect = <T>(
    name: FlagName,
    text: string,
    parsed: T | null,
    wanted: string,
  ): parsed is T => {
    if (parsed !== null) return true;
    problems.push(`--${name} is "${text}": expected ${wanted}`);
    return false;
  };
  const each = <T>(
    name: FlagName,
    parse: (text: string) => T | null,
    wanted: string,
  ): T[] =>
    list(name).flatMap((text) => {
      const parsed = parse(text);
      return expect(name, text, parsed, wanted) ? [parsed] : [];
    });
  const required = (name: FlagName): number => {
    const port = parsePort(last(name));
    return expect(name, last(name), port, "a port of 1 to 65535") ? port : 0;
  };
  /** A number above zero; absent, zero and below mean "not set", as Linkerd's defaults of -1 and 0 do. */
  const positive = (name: FlagName): number | null => {
    const text = last(name);
    const valid = /^-?\d{0,10}$/.test(text) ? Number(text) : null;
    return expect(name, text, valid, "a whole number") && valid > 0
      ? valid
      : null;
  };
  const oneOf = <T>(name: FlagName, known: readonly T[], usual: T): T => {
    const text = last(name);
    const found = known.find((one) => one === text) ?? null;
    if (text === "") return usual;
    return expect(name, text, found, known.join(", ")) ? found : usual;
  };
  const portRange = "a port, or a range such as 8000-8010, of 1 to 65535";
  const options: InitOptions = {
    redirection: {
      incomingProxyPort: required("incoming-proxy-port"),
      outgoingProxyPort: required("outgoing-proxy-port"),
      proxyUid: positive("proxy-uid"),
      proxyGid: positive("proxy-gid"),
      portsToRedirect: each("ports-to-redirect", parsePort, "a port"),
      inboundPortsToIgnore: each(
        "inbound-ports-to-ignore",
        parsePortRange,
        portRange,
      ),
      outboundPortsToIgnore: each(
        "outbound-ports-to-ignore",
        parsePortRange,
        portRange,
      ),
      subnetsToIgnore: each(
        "subnets-to-ignore",
        validSubnet,
        "CIDR notation, such as 10.0.0.0/8",
      ),
      wait: last("use-wait-flag") === "true",
    },
    mode: chooseMode(
      last("iptables-mode"),
      last("firewall-bin-path"),
      last("firewall-save-bin-path"),
      problems,
    ),
    ipv6: last("ipv6") !== "false",
    netns: last("netns") || null,
    closeWaitSecs: positive("timeout-close-wait-secs"),
    simulate: last("simulate") === "true",
    logFormat: oneOf("log-format", LOG_FORMATS, "plain"),
    logLevel: oneOf("log-level", LOG_LEVELS, "info"),
  };
  if (problems.length === 0) return options;
  throw new Problem(
    "config.invalid",
    `Cannot read the flags:\n  ${problems.join("\n  ")}`,
  );
}

function validSubnet(text: string): string | null {
  try {
    parseNetwork(text);
    return text;
  } catch {
    return null; // the caller says which flag it was, and all mistakes at once
  }
}

/** `--iptables-mode` beats the two program names, which must name one pair; none of them means legacy. */
function chooseMode(
  mode: string,
  program: string,
  saveProgram: string,
  problems: string[],
): Mode {
  const saved = saveProgram.replace(/-save$/, "");
  const named = mode || program || saved || "legacy";
  const chosen = MODES[named];
  const isModeName = mode === "" || !mode.startsWith("iptables");
  if (chosen === undefined || !isModeName) {
    problems.push(
      mode === ""
        ? `the firewall program is "${named}": expected iptables-nft, iptables-legacy or iptables`
        : `--iptables-mode is "${mode}": expected nft, legacy or plain`,
    );
  } else if (
    mode === "" && saveProgram !== "" && saveProgram !== `${named}-save`
  ) {
    problems.push(
      `--firewall-save-bin-path is "${saveProgram}": expected "${named}-save", the pair of --firewall-bin-path`,
    );
  }
  return chosen ?? "legacy";
}
