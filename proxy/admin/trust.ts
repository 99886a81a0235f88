import type { Credentials } from "../tls.ts";
import type { Answer } from "./answer.ts";

/**
 * Answers `/trust.json`: whom this proxy trusts and with what certificate it proves itself, both as PEM, so that a rotation
 * of anchors can be followed from outside (`linkerd check --proxy`, `linkerd upgrade`). Every peer is shown as much.
 */
export function showTrust(credentials: Credentials | null): Answer {
  return {
    status: credentials === null ? 503 : 200,
    headers: { "content-type": "application/json" },
    body: `${
      JSON.stringify(
        credentials === null
          ? { error: "there is no certificate yet" }
          : { anchors: credentials.anchors, certificate: credentials.chain },
      )
    }\n`,
  };
}
