import { readFile } from "node:fs/promises";
import { describe } from "../../schemas/problem.ts";
import type { TraceConfig } from "../config/trace.ts";
import type { Log } from "../log.ts";
import { cut } from "./attributes.ts";
import type { Attributes, Value } from "./span.ts";

/** Attributes that a resource may have (OpenTelemetry's default for spans); they go with every batch. */
const MAX_ATTRIBUTES = 128;

/** What is known of this process. */
export interface Process {
  readonly pid: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
}

/** Kubernetes limits labels to this together with annotations, of which kubelet writes none here. */
const MAX_LABELS_CHARS = 262_144;

/**
 * Whose spans they are (facts 6.11); of attributes with the same name the later one counts: the process, the name of the
 * service, the pod's labels, extra attributes, those of the environment.
 */
export function resourceOf(
  config: TraceConfig,
  { pid, startedAt }: Process,
  labels: string,
): Attributes {
  const { hostName, serviceName } = config;
  const all: [string, Value | null][] = [
    ["process.pid", pid],
    ["process.start_timestamp", startedAt],
    ["host.name", hostName],
    ["service.name", serviceName],
    ...parseLabels(labels),
    ...config.extraAttributes,
    ...config.resourceAttributes,
  ];
  const found = new Map<string, Value>();
  for (const [name, value] of all) {
    if (value === null) continue;
    found.set(cut(name), typeof value === "string" ? cut(value) : value);
  }
  return [...found].slice(0, MAX_ATTRIBUTES);
}

/** The file with the pod's labels, "" without one: traces are worth having even then. */
export async function readLabels(
  path: string | null,
  log: Pick<Log, "warn">,
): Promise<string> {
  if (path === null) return "";
  try {
    return (await readFile(path, "utf8")).slice(0, MAX_LABELS_CHARS);
  } catch (error) {
    log.warn("Spans go without the pod's labels", {
      error: describe(error),
    });
    return "";
  }
}

/** A line of the file that kubelet writes of labels: the value in Go's quotes. */
const LABEL = /^([^=]+)="(.*)"$/;

function parseLabels(text: string): [string, string][] {
  return text.split("\n").flatMap((line): [string, string][] => {
    const [, name, quoted] = LABEL.exec(line.trim()) ?? [];
    // Labels have no character that Go would escape (Kubernetes, label syntax), so that nothing need be undone.
    return name === undefined || quoted === undefined ? [] : [[name, quoted]];
  });
}
