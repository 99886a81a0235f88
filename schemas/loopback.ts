/** Why a visitor is refused who is not `isOwnVisitor`. */
export const NOT_OURS =
  "this address answers to 127.0.0.1, [::1] and localhost only, and to no page from elsewhere";

/**
 * Whether a request to a port of this machine comes from a program, or from a page of that very port: it calls us by a loopback
 * name (one of another's that points here is DNS rebinding), and no page from elsewhere reads or opens anything, except that
 * it may lead here if `isLedHere`. Browsers say where a request comes from (Fetch Metadata); `header` gives a field of it, by
 * lower-case name.
 */
export function isOwnVisitor(
  header: (name: string) => string | null | undefined,
  { isLedHere } = { isLedHere: true },
): boolean {
  const host = header("host") ?? "";
  if (!LOOPBACK.test(host)) return false;
  const origin = header("origin");
  if (origin && origin !== `http://${host}`) return false;
  const site = header("sec-fetch-site") ?? "none";
  return site === "same-origin" || site === "none" ||
    isLedHere && header("sec-fetch-mode") === "navigate";
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;
