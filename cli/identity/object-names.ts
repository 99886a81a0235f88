/** What OpenSSL calls the things that certificates name by number. */
export const OBJECT_NAMES: Readonly<Record<string, string>> = {
  "1.2.840.10045.2.1": "id-ecPublicKey",
  "1.2.840.113549.1.1.1": "rsaEncryption",
  "1.3.101.112": "ED25519",
  "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
  "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
  "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
  "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
  "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
  "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
  "2.5.4.3": "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.25": "DC",
  "2.5.29.14": "X509v3 Subject Key Identifier",
  "2.5.29.15": "X509v3 Key Usage",
  "2.5.29.17": "X509v3 Subject Alternative Name",
  "2.5.29.19": "X509v3 Basic Constraints",
  "2.5.29.35": "X509v3 Authority Key Identifier",
  "2.5.29.37": "X509v3 Extended Key Usage",
  "1.3.6.1.5.5.7.3.1": "TLS Web Server Authentication",
  "1.3.6.1.5.5.7.3.2": "TLS Web Client Authentication",
};

/** Elliptic curves by number: OpenSSL's name, NIST's, and bits of a key. */
export const CURVES: Readonly<
  Record<
    string,
    { readonly name: string; readonly nist: string; readonly bits: number }
  >
> = {
  "1.2.840.10045.3.1.7": { name: "prime256v1", nist: "P-256", bits: 256 },
  "1.3.132.0.34": { name: "secp384r1", nist: "P-384", bits: 384 },
  "1.3.132.0.35": { name: "secp521r1", nist: "P-521", bits: 521 },
};

/** Bits of a key usage, first to last (RFC 5280 4.2.1.3). */
export const KEY_USAGES = [
  "Digital Signature",
  "Non Repudiation",
  "Key Encipherment",
  "Data Encipherment",
  "Key Agreement",
  "Certificate Sign",
  "CRL Sign",
  "Encipher Only",
  "Decipher Only",
] as const;
