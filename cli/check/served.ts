import { findPath } from "../certificates/check.ts";
import { type Certificate, readBundle } from "../certificates/read.ts";
import { faults, fromBase64, whyInvalid, whyRenew } from "./certificates.ts";
import { bullets, failed, PASSED, type Verdict } from "./check.ts";
import { SECRETS } from "./resources.ts";
import type { Scene } from "./scene.ts";

/** What a server shows that the API server calls, and the bundle by which it is to be believed. */
export interface Served {
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly anchors: readonly Certificate[];
  /** Whose bundle that is, for messages. */
  readonly bundleOf: string;
}

/** A server's certificate, in PEM, or why there is none. */
export type ServerPem = { readonly pem: string } | { readonly absent: string };

/** What the first of these Secrets of the control plane's namespace that has any data holds. */
export async function readServerPem(
  { get, settings: { namespace } }: Scene,
  secrets: readonly [string, ...string[]],
): Promise<ServerPem> {
  const found = await Promise.all(
    secrets.map((name) => get(SECRETS, name, namespace)),
  );
  const data = found.find((secret) => secret?.data !== undefined)?.data;
  const crt = data?.["tls.crt"] ?? data?.["crt.pem"];
  return crt !== undefined ? { pem: fromBase64(crt) } : {
    absent: `Secret "${
      secrets[0]
    }" with key tls.crt not found in namespace "${namespace}"`,
  };
}

/** A server's certificates, read; `caBundle` is base64. Throws when there is none, and on what is no certificate. */
export function toServed(
  title: string,
  read: ServerPem,
  caBundle: string | undefined,
  bundleOf: string,
): Served {
  if ("absent" in read) throw new Error(read.absent);
  return {
    chain: readBundle(read.pem, `the certificate of ${title}`),
    anchors: readBundle(
      fromBase64(caBundle ?? ""),
      `the caBundle of ${bundleOf}`,
    ),
    bundleOf,
  };
}

/** The rules by which the API server verifies: dates, name, and a chain to the bundle that it was given. */
export function whetherBelieved(
  { chain: [server, ...between], anchors, bundleOf }: Served,
  host: string,
  nowMs: number,
): Verdict {
  const old = faults(anchors, (one) => whyInvalid(one, nowMs));
  if (old.length > 0) {
    return failed(
      `anchors not within their validity period:\n${bullets(old)}`,
    );
  }
  const invalid = whyInvalid(server, nowMs);
  if (invalid !== undefined) return failed(`certificate is ${invalid}`);
  if (server.x509.checkHost(host) === undefined) {
    const names = server.x509.subjectAltName ?? "no name";
    return failed(
      `cert is not issued by the trust anchor: it is for ${names}, not for ${host}`,
    );
  }
  if (findPath([server], between, anchors) !== undefined) return PASSED;
  return failed(
    `cert is not issued by the trust anchor: no chain leads from "${server.name}" to the caBundle of ${bundleOf}`,
  );
}

/** Whether a server's certificate lasts for a while. */
export function whetherLasting(
  { chain: [server] }: Served,
  nowMs: number,
): Verdict {
  const soon = whyRenew(server, nowMs);
  return soon === undefined ? PASSED : failed(`certificate ${soon}`);
}
