import { readBundle } from "../identity/bundle.ts";
import { dnsName, duration, type Form, text } from "./forms.ts";
import {
  optional,
  readText,
  required,
  section,
  type Setting,
  type Source,
  variable,
} from "./setting.ts";

/** Who we are, and how we come by a certificate that says so. */
export interface IdentityConfig {
  /** Our own identity, in lower case. */
  readonly localName: string;
  /** Where the launcher has put `csr.der` and `key.p8`, and the proxy keeps what its next start can use. */
  readonly dir: string;
  /** PEM of the trust anchors that can be read, one or more: those to begin with. */
  readonly trustAnchors: string;
  /** Read anew for each request. */
  readonly tokenFile: string;
  /** Bounds on the time until the next certificate is asked for. */
  readonly minRefreshMs: number;
  readonly maxRefreshMs: number;
}

/** PEM certificates; those that cannot be read are left out, as in Linkerd. */
const anchors: Form<string> = {
  expected: "one or more certificates in PEM",
  secret: true,
  parse: readBundle,
};

export const identity: Setting<IdentityConfig> = section<IdentityConfig>({
  localName,
  dir: required("IDENTITY_DIR", text, ""),
  trustAnchors: required("IDENTITY_TRUST_ANCHORS", anchors, ""),
  tokenFile: required("IDENTITY_TOKEN_FILE", text, ""),
  minRefreshMs: optional("IDENTITY_MIN_REFRESH", duration, 10_000),
  maxRefreshMs: optional("IDENTITY_MAX_REFRESH", duration, 86_400_000),
});

/** `IDENTITY_LOCAL_NAME`, or `IDENTITY_SERVER_ID` and `IDENTITY_SERVER_NAME`; all that are set must agree. */
function localName(source: Source): string {
  const names = ["LOCAL_NAME", "SERVER_ID", "SERVER_NAME"].map((name) =>
    `IDENTITY_${name}`
  );
  const given = names.filter((name) => readText(source, name) !== null);
  const halves = given.filter((name) => name !== "IDENTITY_LOCAL_NAME");
  if (given.length === 0 || (given.length === 1 && halves.length === 1)) {
    source.mistakes.push(
      `${variable("IDENTITY_LOCAL_NAME")} is not set, expected it, or both ${
        variable("IDENTITY_SERVER_ID")
      } and ${variable("IDENTITY_SERVER_NAME")}, to be ${dnsName.expected}`,
    );
  }
  const [first = "", ...others] = given.map((name) =>
    optional(name, dnsName, "")(source)
  );
  if (others.some((name) => name !== first)) {
    source.mistakes.push(
      `${given.map(variable).join(", ")} differ, expected the same name`,
    );
  }
  return first;
}
