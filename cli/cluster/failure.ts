import { describe, Problem } from "../../schemas/problem.ts";
import { ApiError } from "../cluster.ts";
import { type Access, urlOf } from "./access.ts";

/** What a person can do about an error of a socket, by the codes of Node and OpenSSL. */
const REMEDIES: readonly (readonly [RegExp, (access: Access) => string])[] = [
  [
    /^ECONNREFUSED$/,
    () => "Is the cluster running, and is this the port of its API server?",
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    ({ server }) =>
      `Nobody knows the name ${server.hostname}: check it and DNS.`,
  ],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|TimeoutError)$/,
    () => "Is the network, or a VPN, in the way? Does it need a proxy-url?",
  ],
  [
    /SELF_SIGNED|UNABLE_TO|UNKNOWN_CA|CERT_SIGNATURE/,
    () =>
      "The certificate authority of the kubeconfig is not the server's: fetch a current kubeconfig.",
  ],
  [
    /ALTNAME/,
    () => "Use a name that the certificate has, or say tls-server-name.",
  ],
  [
    /EXPIRED|NOT_YET_VALID/,
    () => "Compare the clocks of both machines, and renew the certificate.",
  ],
];

/** What goes wrong between us and an API server, for people; refusals of the server stay what they are. */
export function unanswered(thrown: unknown, access: Access): unknown {
  if (thrown instanceof ApiError) return thrown;
  const code = codeOf(thrown);
  if (thrown instanceof Problem && code !== TIMEOUT) return thrown;
  if (code === "AbortError") return thrown;
  const remedy = REMEDIES.find(([pattern]) => pattern.test(code))?.[1];
  return new Problem(
    "connect.failed",
    `Cannot reach the API server ${urlOf(access)} (${access.from}): ${
      describe(thrown)
    }`,
    {
      cause: thrown,
      ...(remedy === undefined ? {} : { hint: remedy(access) }),
    },
  );
}

/** What signals call it when time is up. */
const TIMEOUT = "TimeoutError";

/** The word that machines have for an error. */
function codeOf(thrown: unknown): string {
  if (thrown instanceof Problem) {
    return thrown.code === "connect.timeout" ? TIMEOUT : thrown.code;
  }
  if (!(thrown instanceof Error)) return "";
  return thrown instanceof DOMException
    ? thrown.name
    : "code" in thrown
    ? String(thrown.code)
    : thrown.name;
}
