/** PEM text of DER bytes (RFC 7468). */
export function formatPem(
  label: "CERTIFICATE" | "PRIVATE KEY",
  der: Uint8Array,
): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${
    lines.join("\n")
  }\n-----END ${label}-----\n`;
}

/** The certificates of a PEM bundle, each as PEM; whatever stands around them is passed over. */
export function splitPem(bundle: string): string[] {
  return bundle.match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  ) ?? [];
}
