/** How much a line matters: 1 error, 2 warn, 3 info, 4 debug, 5 trace; as a threshold 0 is off. */
export const LEVEL = {
  off: 0,
  error: 1,
  warn: 2,
  info: 3,
  debug: 4,
  trace: 5,
} as const;

/** Which lines are written, in the syntax of Linkerd's `LINKERD2_PROXY_LOG`. */
export interface Filter {
  /** As it was given. */
  readonly text: string;
  /** For targets that no other directive names; 0 when there is none. */
  readonly level: number;
  /** Longest target first. */
  readonly targets: readonly {
    readonly prefix: string;
    readonly level: number;
  }[];
}

/** A sane page of filter text; it is accepted over the admin port. */
const FILTER_MAX = 4_096;

/**
 * A filter of comma-separated directives: `warn` for everything, `linkerd=info` for targets that begin so, `linkerd` for
 * all of theirs. Directives about spans (`[{headers}]=off`) are accepted and ignored: we have none. Null when malformed.
 */
export function parseFilter(text: string): Filter | null {
  if (text.length > FILTER_MAX) return null;
  let level: number = LEVEL.off;
  const targets: { prefix: string; level: number }[] = [];
  for (const part of splitDirectives(text)) {
    const directive = parseDirective(part.trim());
    if (directive === null) return null;
    if (directive === "span") continue;
    if (directive.prefix === "") level = directive.level;
    else targets.push(directive);
  }
  // Longest first and, among equals, the last one given: both as tracing's EnvFilter decides.
  targets.reverse().sort((a, b) => b.prefix.length - a.prefix.length);
  return { text, level, targets };
}

/** The level up to which lines of a target are written. */
export function levelOf(filter: Filter, target: string): number {
  for (const { prefix, level } of filter.targets) {
    if (target.startsWith(prefix)) return level;
  }
  return filter.level;
}

/** Splits at commas outside brackets. */
function splitDirectives(text: string): string[] {
  return text.split(/,(?![^[]*\])/);
}

function parseDirective(
  text: string,
): { prefix: string; level: number } | "span" | null {
  const [, prefix, span, word] =
    /^([\w:.-]*)(\[[^\]]*\])?(?:=(\w+))?$/.exec(text) ?? [];
  if (prefix === undefined || text === "") return null;
  const level = word === undefined ? LEVEL.trace : parseLevel(word);
  if (level === null) return null;
  if (span !== undefined) return "span";
  if (prefix === "") return null;
  const bare = word === undefined ? parseLevel(prefix) : null;
  return bare === null ? { prefix, level } : { prefix: "", level: bare };
}

function parseLevel(word: string): number | null {
  const name = word.toLowerCase();
  return Object.hasOwn(LEVEL, name) ? LEVEL[name as keyof typeof LEVEL] : null;
}
