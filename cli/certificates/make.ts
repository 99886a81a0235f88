import { Buffer } from "node:buffer";
import {
  createHash,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
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

/** A certificate and its key, in PEM. */
export interface KeyPair {
  readonly crtPEM: string;
  readonly keyPEM: string;
}

/** As long as those that Linkerd makes. */
const VALIDITY_MS = 365 * 24 * 3_600_000;
/** For clocks of other machines that are a little off, at both ends (Linkerd's allowance). */
const SKEW_MS = 10_000;

const ECDSA_WITH_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
const COMMON_NAME = objectId("2.5.4.3");
const BASIC_CONSTRAINTS = objectId("2.5.29.19");
const KEY_USAGE = objectId("2.5.29.15");
const EXTENDED_KEY_USAGE = objectId("2.5.29.37");
const SUBJECT_KEY_ID = objectId("2.5.29.14");
const SUBJECT_ALT_NAME = objectId("2.5.29.17");
const SERVER_AUTH = objectId("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH = objectId("1.3.6.1.5.5.7.3.2");
/** Bits of KeyUsage (RFC 5280 4.2.1.3) with the count of unused ones before them. */
const DIGITAL_SIGNATURE = Uint8Array.of(7, 0x80);
const CERT_AND_CRL_SIGN = Uint8Array.of(1, 0x06);
const TRUE = Uint8Array.of(0x01, 0x01, 0xff);

/** Tags: BIT STRING with unused bits, a DNS name, `[0]` for the version, `[3]` for extensions, two kinds of time. */
const BIT_STRING = 0x03;
const DNS_NAME = 0x82;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/**
 * A new ECDSA P-256 authority that signs itself: trust anchor and issuer in one, as `linkerd install` makes it.
 * `now` in milliseconds.
 */
export function makeAuthority(commonName: string, now: number): KeyPair {
  return make(commonName, now, (publicKey) => [
    extension(BASIC_CONSTRAINTS, sequence(TRUE), "critical"),
    extension(KEY_USAGE, element(BIT_STRING, CERT_AND_CRL_SIGN), "critical"),
    extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH, CLIENT_AUTH)),
    extension(SUBJECT_KEY_ID, octets(keyId(publicKey))),
  ]);
}

/** A new ECDSA P-256 certificate of one DNS name that signs itself, for a webhook: it is its own bundle of trust. */
export function makeServer(dnsName: string, now: number): KeyPair {
  const name = element(DNS_NAME, new TextEncoder().encode(dnsName));
  return make(dnsName, now, () => [
    extension(BASIC_CONSTRAINTS, sequence(), "critical"),
    extension(KEY_USAGE, element(BIT_STRING, DIGITAL_SIGNATURE), "critical"),
    extension(EXTENDED_KEY_USAGE, sequence(SERVER_AUTH, CLIENT_AUTH)),
    extension(SUBJECT_ALT_NAME, sequence(name)),
  ]);
}

/** The fixed shape of a self-signed certificate (RFC 5280 4.1). */
function make(
  commonName: string,
  now: number,
  extensions: (publicKey: KeyObject) => readonly Uint8Array[],
): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const name = sequence(set(sequence(COMMON_NAME, utf8(commonName))));
  const signed = sequence(
    element(VERSION, integer(Uint8Array.of(2))),
    // RFC 5280 4.1.2.2: unique, positive, at most 20 bytes.
    integer(randomBytes(16)),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - SKEW_MS), time(now + VALIDITY_MS + SKEW_MS)),
    name,
    spki(publicKey),
    element(EXTENSIONS, sequence(...extensions(publicKey))),
  );
  const signature = createSign("sha256").update(signed).sign(privateKey);
  return {
    crtPEM: pem(sequence(signed, ECDSA_WITH_SHA256, bits(signature))),
    keyPEM: privateKey.export({ type: "sec1", format: "pem" }).toString(),
  };
}

function extension(
  id: Uint8Array,
  value: Uint8Array,
  critical?: "critical",
): Uint8Array {
  return critical === undefined
    ? sequence(id, octets(value))
    : sequence(id, TRUE, octets(value));
}

function spki(key: KeyObject): Uint8Array {
  return key.export({ type: "spki", format: "der" });
}

function keyId(key: KeyObject): Uint8Array {
  return createHash("sha1").update(spki(key)).digest();
}

/** Two digits of the year until 2049, four from 2050 (RFC 5280 4.1.2.5). */
function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, "");
  const isLate = Number(digits.slice(0, 4)) >= 2050;
  return element(
    isLate ? GENERALIZED_TIME : UTC_TIME,
    new TextEncoder().encode(isLate ? digits : digits.slice(2)),
  );
}

function pem(der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${
    lines.join("\n")
  }\n-----END CERTIFICATE-----\n`;
}
