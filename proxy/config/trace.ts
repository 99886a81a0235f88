import { collector, type ControlService } from "./control.ts";
import { text } from "./forms.ts";
import {
  optional,
  readText,
  section,
  type Setting,
  type Source,
  variable,
} from "./setting.ts";

/** Where spans go, and what they say of this proxy. */
export interface TraceConfig {
  /** Null: the proxy takes no part in traces. */
  readonly collector: Omit<ControlService, "stream"> | null;
  readonly serviceName: string | null;
  /** A file with the pod's labels, as kubelet writes it. */
  readonly attributesPath: string | null;
  readonly extraAttributes: Pairs;
  readonly resourceAttributes: Pairs;
  readonly hostName: string | null;
}

type Pairs = readonly [name: string, value: string][];

export const trace: Setting<TraceConfig> = section<TraceConfig>({
  collector,
  serviceName: optional("TRACE_SERVICE_NAME", text, null),
  attributesPath: optional("TRACE_ATTRIBUTES_PATH", text, null),
  extraAttributes,
  resourceAttributes,
  hostName: ({ env }) => env["HOSTNAME"]?.trim() || null,
});

/** One `name=value` on a line. What is no attribute is left out: a pod's annotation must not keep it from starting. */
function extraAttributes(source: Source): Pairs {
  const name = "TRACE_EXTRA_ATTRIBUTES";
  return pairs(readText(source, name) ?? "", "\n", variable(name), source);
}

const RESOURCE = "OTEL_RESOURCE_ATTRIBUTES";

/** Joined by commas, values percent-encoded (OpenTelemetry, resource SDK). */
function resourceAttributes(source: Source): Pairs {
  return pairs(source.env[RESOURCE]?.trim() ?? "", ",", RESOURCE, source)
    .map(([name, value]) => [name, decode(value)]);
}

function pairs(
  found: string,
  separator: string,
  from: string,
  { warnings }: Source,
): [string, string][] {
  return found.split(separator).flatMap((one): [string, string][] => {
    const part = one.trim();
    const [, name, value] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    if (name !== undefined && value !== undefined) {
      return [[name.trim(), value.trim()]];
    }
    if (part !== "") {
      warnings.push(
        `${from} has a part without name and value, which is left out`,
      );
    }
    return [];
  });
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // Not encoded, then: a percent sign that is meant.
  }
}
