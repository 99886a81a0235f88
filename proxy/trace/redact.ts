/** What stands in the place of a secret (OpenTelemetry's conventions for URLs). */
const REDACTED = "REDACTED";

/** Parameters that carry the signature or the token of a pre-signed URL. */
const SECRETS: ReadonlySet<string> = new Set([
  "AWSAccessKeyId",
  "Signature",
  "X-Amz-Credential",
  "X-Amz-Security-Token",
  "X-Amz-Signature",
  "X-Goog-Signature",
  "sig",
]);

/** An authority without user name and password. */
export function redactAuthority(authority: string): string {
  const at = authority.lastIndexOf("@");
  return at < 0
    ? authority
    : `${REDACTED}:${REDACTED}@${authority.slice(at + 1)}`;
}

/** A query without the values that would let its reader make the request again. */
export function redactQuery(query: string): string {
  // Few queries have one: most are not taken apart.
  if (!/sig|Sig|Amz|AWS/.test(query)) return query;
  return query.split("&").map((part) => {
    const [name = ""] = part.split("=", 1);
    return SECRETS.has(name) ? `${name}=${REDACTED}` : part;
  }).join("&");
}
