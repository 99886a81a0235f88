import kleur from "kleur";
import type { Finding } from "../install/inject/object.ts";

/** How a report speaks: to a person who wants all of it, with or without colour. */
export interface Manner {
  readonly verbose: boolean;
  readonly colour: boolean;
}

/** What a report tells: a finding per object, null for a document without a kind. */
type Findings = readonly (Finding | null)[];

/** One thing worth knowing about the objects together: the warning when it is so, the comfort when it is not. */
interface Note {
  readonly warning: (objects: readonly Finding[]) => string | null;
  readonly comfort: string;
}

const NOTES: readonly Note[] = [
  {
    warning: (objects) =>
      listed(
        objects,
        "hostNetwork",
        (list) => `"hostNetwork: true" detected in ${list}`,
      ),
    comfort: "pods do not use host networking",
  },
  {
    warning: (objects) =>
      listed(
        objects,
        "sidecar",
        (list) => `known 3rd party sidecar detected in ${list}`,
      ),
    comfort:
      "pods do not have a 3rd party proxy or initContainer already injected",
  },
  {
    warning: (objects) =>
      listed(
        objects,
        "disabled",
        (list) => `"linkerd.io/inject: disabled" annotation set on ${list}`,
      ),
    comfort: "pods are not annotated to disable injection",
  },
  {
    warning: (objects) =>
      objects.some(({ supported }) => supported)
        ? null
        : "no supported objects found",
    comfort: "at least one resource can be injected or annotated",
  },
  {
    warning: (objects) =>
      listed(
        objects,
        "udp",
        (list, count) =>
          `${list} ${count > 1 ? "use" : "uses"} "protocol: UDP"`,
      ),
    comfort: "pod specs do not include UDP ports",
  },
  {
    // Such pods are refused, so that a report only ever comforts.
    warning: () => null,
    comfort:
      'pods do not have automountServiceAccountToken set to "false" or service account token projection is enabled',
  },
];

/** What `inject` says on standard error, byte for byte as Linkerd does. */
export function injectReport(findings: Findings, manner: Manner): string {
  const objects = findings.filter((one) => one !== null);
  const lines = NOTES.flatMap(({ warning, comfort }) => {
    const text = warning(objects);
    if (text !== null) return [`${glyph("warning", manner)} ${text}\n`];
    return manner.verbose ? [`${glyph("ok", manner)} ${comfort}\n`] : [];
  });
  const gap = lines.length > 0 ? "\n" : "";
  return `\n${lines.join("")}${gap}${summary(findings)}\n`;
}

/** What `uninject` says of one input. */
export function uninjectReport(findings: readonly Summary[]): string {
  return `\n${summary(findings)}\n`;
}

/** An object in a report; null is a document without a kind. */
export type Summary =
  | { readonly kind: string; readonly name: string; readonly done: string }
  | null;

function summary(findings: readonly Summary[]): string {
  return findings.map((finding) =>
    finding === null
      ? 'document missing "kind" field, skipped\n'
      : `${finding.kind} "${finding.name}" ${finding.done}\n`
  ).join("");
}

function listed(
  objects: readonly Finding[],
  fact: "hostNetwork" | "sidecar" | "disabled" | "udp",
  say: (list: string, count: number) => string,
): string | null {
  const concerned = objects.filter((object) => object[fact]);
  if (concerned.length === 0) return null;
  const list = concerned.map(({ kind, name }) => `${kind}/${name}`).join(", ");
  return say(list, concerned.length);
}

/** A mark at the start of a line: it went well, it may not, it did not. */
export function glyph(
  mark: "ok" | "warning" | "failure",
  { colour }: Pick<Manner, "colour">,
): string {
  const { text, paint } = GLYPHS[mark];
  kleur.enabled = colour;
  return paint(text);
}

const GLYPHS = {
  ok: { text: "\u221a", paint: (text: string) => kleur.green().bold(text) },
  warning: {
    text: "\u203c",
    paint: (text: string) => kleur.yellow().bold(text),
  },
  failure: { text: "\u00d7", paint: (text: string) => kleur.red().bold(text) },
} as const;
