import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  type GeneralName,
  type Name,
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import { describe, Problem } from "../../schemas/problem.ts";

/** What of a certificate signing request goes into the leaf. */
export interface LeafRequest {
  readonly identity: string;
  readonly subject: Name;
  readonly publicKey: PublicKey;
}

/** A proxy's request takes about 300 bytes; ten times that leaves room for other curves and subjects. */
const MAX_REQUEST_BYTES = 4_096;

const DER_SEQUENCE = 0x30;
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALT_NAME = "2.5.29.17";

/** A signing request of DER bytes (PEM is not taken, as in Linkerd); throws `identity.refused`. */
export function parseRequest(der: Uint8Array): Pkcs10CertificateRequest {
  if (der.length > MAX_REQUEST_BYTES) {
    throw refusal(
      `it has ${der.length} bytes, expected ${MAX_REQUEST_BYTES} at most`,
    );
  }
  if (der[0] !== DER_SEQUENCE) {
    throw refusal("it is not DER", "convert it: openssl req -outform DER");
  }
  try {
    return new Pkcs10CertificateRequest(new Uint8Array(der));
  } catch (cause) {
    throw refusal(`it is not DER: ${describe(cause)}`);
  }
}

/**
 * The leaf to issue for a request that names `identity` and nothing else, signed by the key it asks a certificate for;
 * throws `identity.refused`. The signature is proof that the caller has the key (Linkerd does not look at it).
 */
export async function checkRequest(
  request: Pkcs10CertificateRequest,
  identity: string,
): Promise<LeafRequest> {
  const names = readNames(request);
  const dns = names.filter((name) => name.type === "dns");
  const other = names.find((name) => name.type !== "dns");
  if (other !== undefined) {
    throw refusal(`it asks for the ${other.type} name "${other.value}"`);
  }
  if (dns.length !== 1 || dns[0]?.value !== identity) {
    const found = dns.map((name) => `"${name.value}"`).join(", ") || "none";
    throw refusal(`its DNS names are ${found}, expected only "${identity}"`);
  }
  const foreign = request.subjectName.getField("CN").find((cn) =>
    cn !== identity && cn !== ""
  );
  if (foreign !== undefined) {
    throw refusal(
      `its common name is "${foreign}", expected none or "${identity}"`,
    );
  }
  const algorithm = request.publicKey.algorithm.name;
  if (algorithm !== "ECDSA") {
    throw refusal(`its key is ${algorithm}, expected ECDSA`);
  }
  if (!await isSigned(request)) {
    throw refusal("it is not signed by the key it holds");
  }
  return {
    identity,
    subject: request.subjectName,
    publicKey: request.publicKey,
  };
}

/** All subject alternative names, of however many attributes and extensions there are. */
function readNames(request: Pkcs10CertificateRequest): readonly GeneralName[] {
  try {
    if (request.getAttributes(EXTENSION_REQUEST).length > 1) {
      throw refusal("it has more than one extension request");
    }
    return request.extensions
      .filter((extension) => extension.type === SUBJECT_ALT_NAME)
      .flatMap((extension) =>
        new SubjectAlternativeNameExtension(extension.rawData).names.items
      );
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw refusal(`its extensions cannot be read: ${describe(cause)}`);
  }
}

async function isSigned(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false; // an algorithm or key that cannot be checked proves nothing
  }
}

function refusal(reason: string, hint?: string): Problem {
  return new Problem(
    "identity.refused",
    `Cannot accept certificate signing request: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
