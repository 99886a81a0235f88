/**
 * Other readings of a path: what servers may make of it that tidy it up first. The proxy forwards every octet as it came
 * and matches what it forwards; but `/public/..%2fadmin` is `/admin` to many a server. A request that a route's own
 * authorization permits must be permitted under each of these too (decision 105).
 *
 * In turn: escapes that need not be and escaped separators decoded, also twice; parameters, fragments and empty
 * segments dropped; dot segments resolved. None for a path that every server reads alike.
 */
export function readingsOf(path: string): readonly string[] {
  if (!TRICKY.test(path)) return [];
  const decoded = decode(path);
  const bare = strip(decoded);
  return [...new Set([decoded, bare, resolve(bare)])]
    .filter((reading) => reading !== path);
}

/** What makes servers differ. */
const TRICKY = /%|;|#|\\|\/\/|\/\./;

/**
 * Unreserved characters (RFC 3986 2.3) and what separates: an escape of anything else stays a different
 * character. NUL ends a text for what is written in C. */
const DECODED =
  /%(?:00|2[def]|3[0-9bf]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae]|23|25)/gi;
/** Servers behind servers decode again. */
const MAX_DECODINGS = 3;

function decode(path: string): string {
  let text = path;
  for (let time = 0; time < MAX_DECODINGS; time++) {
    const next = text.replace(
      DECODED,
      (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
    );
    if (next === text) break;
    text = next;
  }
  return text.replaceAll("\\", "/");
}

function strip(path: string): string {
  const [text = ""] = path.split(/[#?\0]/, 1);
  return text.replace(/;[^/]*/g, "").replace(/\/{2,}/g, "/");
}

/** RFC 3986 5.2.4. */
function resolve(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [at, segment] of segments.entries()) {
    const last = at === segments.length - 1;
    if (segment === "..") kept.pop();
    if (segment !== "." && segment !== "..") kept.push(segment);
    else if (last) kept.push("");
  }
  return `/${kept.join("/")}`;
}
