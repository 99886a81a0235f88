import type { Network } from "../../schemas/address.ts";
import {
  dnsName,
  duration,
  list,
  network,
  serviceAddress,
  suffix,
  text,
} from "./forms.ts";
import {
  optional,
  readText,
  refine,
  required,
  section,
  type Setting,
  type Source,
  variable,
} from "./setting.ts";

/** One service of the control plane. */
export interface ControlService {
  /** A name in lower case without trailing dot, or an IP address. */
  readonly host: string;
  readonly port: number;
  /** The identity its proxy must prove; null: it is on loopback and speaks plaintext. */
  readonly serverName: string | null;
  /** Limits of watch streams; none on loopback. */
  readonly stream: StreamLimits;
}

/** How long a watch stream may take or last; undefined: no limit. */
export interface StreamLimits {
  /** Until its first message. */
  readonly initialTimeoutMs: number | undefined;
  /** Between messages. */
  readonly idleTimeoutMs: number | undefined;
  readonly lifetimeMs: number | undefined;
}

/** The control plane: what this proxy asks, and of whom. */
export interface ControlConfig {
  readonly identity: ControlService;
  readonly destination: ControlService;
  readonly policy: ControlService;
}

export interface DestinationConfig {
  /** Sent with every look-up, unread by us: who asks, from which node. */
  readonly context: string;
  /** Outbound addresses for which a profile is asked. */
  readonly profileNetworks: readonly Network[];
  /** Domains (without trailing dot, "" for all) for whose names a profile is asked. */
  readonly profileSuffixes: readonly string[];
  readonly profileInitialTimeoutMs: number;
}

/** Reads where the control plane is and how to talk to it. */
export function control(source: Source): ControlConfig {
  const stream = streamLimits(source);
  return section<ControlConfig>({
    identity: service("IDENTITY", stream),
    destination: service("DESTINATION", stream),
    policy: service("POLICY", stream),
  })(source);
}

export const destination: Setting<DestinationConfig> = section<
  DestinationConfig
>({
  context: optional("DESTINATION_CONTEXT", text, ""),
  profileNetworks: optional("DESTINATION_PROFILE_NETWORKS", list(network), []),
  profileSuffixes: optional("DESTINATION_PROFILE_SUFFIXES", list(suffix), [
    "svc.cluster.local",
  ]),
  profileInitialTimeoutMs: optional(
    "DESTINATION_PROFILE_INITIAL_TIMEOUT",
    duration,
    500,
  ),
});

const UNLIMITED: StreamLimits = {
  initialTimeoutMs: undefined,
  idleTimeoutMs: undefined,
  lifetimeMs: undefined,
};

function service(name: string, stream: StreamLimits): Setting<ControlService> {
  const address = required(`${name}_SVC_ADDR`, serviceAddress, {
    host: "localhost",
    port: 1,
  });
  return (source) => {
    const { host, port } = address(source);
    if (isLoopback(host)) {
      return { host, port, serverName: null, stream: UNLIMITED };
    }
    const serverName = required(`${name}_SVC_NAME`, dnsName, "")(source);
    return { host, port, serverName, stream };
  };
}

/** The collector of traces; null when there is none. Without a name it is talked to in plaintext. */
export function collector(
  source: Source,
): Omit<ControlService, "stream"> | null {
  const address = optional("TRACE_COLLECTOR_SVC_ADDR", serviceAddress, null)(
    source,
  );
  const name = optional("TRACE_COLLECTOR_SVC_NAME", dnsName, null)(source);
  if (address === null) return null;
  const serverName = isLoopback(address.host) ? null : name;
  return { ...address, serverName };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" ||
    /^127\.\d+\.\d+\.\d+$/.test(host);
}

const streamLimits: Setting<StreamLimits> = refine(
  section<StreamLimits>({
    initialTimeoutMs: optional(
      "CONTROL_STREAM_INITIAL_TIMEOUT",
      duration,
      undefined,
    ),
    idleTimeoutMs: optional("CONTROL_STREAM_IDLE_TIMEOUT", duration, undefined),
    lifetimeMs: optional("CONTROL_STREAM_LIFETIME", duration, undefined),
  }),
  (limits, source) => {
    const { initialTimeoutMs = 0, idleTimeoutMs, lifetimeMs = Infinity } =
      limits;
    const idle = idleTimeoutMs ?? initialTimeoutMs;
    if (initialTimeoutMs > idle || idle > lifetimeMs) {
      const prefix = variable("CONTROL_STREAM_");
      source.mistakes.push(
        `${prefix}INITIAL_TIMEOUT, ${prefix}IDLE_TIMEOUT and ${prefix}LIFETIME are ${
          ["INITIAL_TIMEOUT", "IDLE_TIMEOUT", "LIFETIME"].map((name) =>
            readText(source, `CONTROL_STREAM_${name}`) ?? "unset"
          ).join(", ")
        }, expected each to be at most the next`,
      );
    }
    return limits;
  },
);
