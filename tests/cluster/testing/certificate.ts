import "reflect-metadata"; // @peculiar/x509 does not load without it
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KeyUsageFlags } from "@peculiar/x509";
import { createCa } from "../../../control/testing/pki.ts";

/** Writes a certificate for loopback as a mounted Secret holds it; returns the `caBundle` that trusts it. */
export async function writeCertificate(folder: string): Promise<string> {
  const { certificatePem, keyPem } = await createCa({
    name: "webhook",
    ip: "127.0.0.1",
    usages: KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature,
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
  });
  await writeFile(join(folder, "tls.crt"), certificatePem);
  await writeFile(join(folder, "tls.key"), keyPem);
  return Buffer.from(certificatePem).toString("base64");
}
