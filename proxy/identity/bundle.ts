import { createHash } from "node:crypto";
import { splitPem } from "./pem.ts";
import { subjectNames } from "./subject-names.ts";

/** Longest bundle taken over from others; a certificate has 1 to 2 kB, and a rotation needs two of them. */
const MAX_BYTES = 256 * 1_024;

/** The certificates of a PEM text that can be read, the others left out as Linkerd does; null when none is left. */
export function readBundle(text: string): string | null {
  if (text.length > MAX_BYTES) return null;
  const usable = splitPem(text).filter(isCertificate);
  return usable.length === 0 ? null : `${usable.join("\n")}\n`;
}

/** Names a bundle by its content. */
export function hashOf(bundle: string): string {
  return createHash("sha256").update(bundle).digest("hex");
}

/** Whether a PEM block holds the outline of a certificate: catches text that was cut or joined on its way here. */
function isCertificate(block: string): boolean {
  try {
    subjectNames(
      Uint8Array.fromBase64(block.replace(/-----[^-]+-----/g, "")),
    );
    return true;
  } catch {
    return false; // Left out; the caller complains when none remains.
  }
}
