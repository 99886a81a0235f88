import { changes } from "./places.ts";
import { ignored, resolveFields } from "./proxy-variables.ts";

/** Whether something is there, and what keeps it from being as in Linkerd. */
export interface State {
  readonly state: "done" | "differs" | "not yet";
  readonly why?: string;
}

/** What there is to say of a setting that changes nothing. */
export const UNREAD = "accepted, and nothing reads it";

/** A variable of a proxy's environment, by its place. */
const VARIABLE =
  /ontainers\[linkerd-proxy\]\.env\[(LINKERD2_PROXY_\w+)\]\.(name|value)$/;

/**
 * What a setting comes to, judged by what it changes in manifests: nothing, only variables that the proxy does not act
 * on, or something that counts.
 */
export function judge(before: unknown, after: unknown): State {
  const lacks = new Set<string>();
  let counts = false;
  const all = changes(before, after);
  for (const { place, to } of all) {
    const [, variable, part] = VARIABLE.exec(place) ?? [];
    if (variable === undefined) {
      counts = true;
      continue;
    }
    // Gone, or moved with its container to another list.
    const same = all.some(({ place: other, from }) =>
      from === to && VARIABLE.exec(other)?.[1] === variable
    );
    if (part === "name" || to === undefined || same) continue;
    const lack = ignored(variable, resolveFields(String(to)));
    if (lack === undefined) counts = true;
    else lacks.add(lack);
  }
  const why = [...lacks].join("; ");
  if (counts) return why === "" ? { state: "done" } : { state: "differs", why };
  return { state: "not yet", why: why || UNREAD };
}
