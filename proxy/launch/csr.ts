import {
  bits,
  element,
  integer,
  objectId,
  octets,
  sequence,
  set,
  utf8,
} from "../../schemas/der.ts";

/** What the proxy needs to ask for a certificate. */
export interface CertificateRequest {
  /** Private key, PKCS#8 DER. */
  readonly key: Uint8Array;
  /** PKCS#10 DER (RFC 2986). */
  readonly csr: Uint8Array;
}

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const EXTRACTABLE = true;

const COMMON_NAME = objectId("2.5.4.3");
const SUBJECT_ALT_NAME = objectId("2.5.29.17");
const EXTENSION_REQUEST = objectId("1.2.840.113549.1.9.14");
const ECDSA_WITH_SHA256 = objectId("1.2.840.10045.4.3.2");
/** `[0]` around the attributes of a request, `[2]` before a DNS name. */
const ATTRIBUTES = 0xa0;
const DNS_NAME = 0x82;

/** A new ECDSA P-256 key, and a request for a certificate of one name: common name and only DNS name alike. */
export async function requestCertificate(
  name: string,
): Promise<CertificateRequest> {
  const { subtle } = crypto;
  const { privateKey, publicKey } = await subtle.generateKey(
    CURVE,
    EXTRACTABLE,
    ["sign", "verify"],
  );
  const spki = new Uint8Array(await subtle.exportKey("spki", publicKey));
  const info = sequence(
    integer(Uint8Array.of(0)),
    sequence(set(sequence(COMMON_NAME, utf8(name)))),
    spki,
    element(ATTRIBUTES, subjectAltName(name)),
  );
  const signature = await subtle.sign(
    SIGNATURE,
    privateKey,
    Uint8Array.from(info),
  );
  return {
    key: new Uint8Array(await subtle.exportKey("pkcs8", privateKey)),
    csr: sequence(
      info,
      sequence(ECDSA_WITH_SHA256),
      bits(derSignature(new Uint8Array(signature))),
    ),
  };
}

function subjectAltName(name: string): Uint8Array {
  const names = sequence(element(DNS_NAME, new TextEncoder().encode(name)));
  const extensions = sequence(sequence(SUBJECT_ALT_NAME, octets(names)));
  return sequence(EXTENSION_REQUEST, set(extensions));
}

/** WebCrypto gives r and s side by side; certificates hold them as two integers (RFC 3279 2.2.3). */
function derSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}
