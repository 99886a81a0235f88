import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatCertificate } from "./certificate-text.ts";

/** Certificates as `openssl req` makes them from these words. */
const CERTIFICATES: Readonly<Record<string, readonly string[]>> = {
  "a leaf of the mesh": [
    ..."-newkey ec -pkeyopt ec_paramgen_curve:P-256 -set_serial 4660".split(
      " ",
    ),
    ...["-subj", "/CN=web.shop.serviceaccount.identity.linkerd.cluster.local"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-addext", "keyUsage=critical,digitalSignature,keyEncipherment"],
    ...["-addext", "extendedKeyUsage=serverAuth,clientAuth"],
    ...[
      "-addext",
      "subjectAltName=DNS:web.shop.serviceaccount.identity.linkerd.cluster.local,URI:spiffe://root/web,IP:10.0.0.1,email:a@b.c",
    ],
  ],
  "an authority with RSA, a long serial number and several names": [
    ..."-newkey rsa:2048 -sha384 -set_serial 0x8f00112233445566778899".split(
      " ",
    ),
    ...["-subj", "/C=CH/ST=Bern/L=Thun/O=Mesh Ltd/OU=Trust/CN=root"],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
    ...["-addext", "certificatePolicies=1.2.3.4"],
  ],
  "an authority with P-384 and a limit": [
    ..."-newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha512".split(" "),
    ...["-subj", "/CN=issuer", "-addext", "nsComment=hello"],
    ...["-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"],
  ],
};
/** What OpenSSL explains and we show as bytes. */
const FOREIGN =
  /^ {12}(X509v3 Certificate Policies|Netscape Comment|1\.2|2\.).*\n.*\n/gm;

test.each(Object.keys(CERTIFICATES))(
  "%s is printed as OpenSSL does",
  (name) => {
    const folder = mkdtempSync(join(tmpdir(), "linkerd-certificate-"));
    try {
      const file = join(folder, "crt.pem");
      openssl(
        ..."req -x509 -nodes -days 30 -keyout /dev/null -out".split(" "),
        file,
        ...CERTIFICATES[name] ?? [],
      );
      const { raw } = new X509Certificate(readFileSync(file));
      const wanted = openssl("x509", "-noout", "-text", "-in", file);
      const found = formatCertificate(new Uint8Array(raw));
      // OpenSSL 3.2 and later write names without blanks.
      const plain = (text: string) =>
        text.replaceAll(" = ", "=").replaceAll(FOREIGN, "");
      expect(plain(found.text)).toBe(plain(wanted));
      expect(found.isAuthority).toBe(wanted.includes("CA:TRUE"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test("a damaged certificate is refused, wherever it is cut", () => {
  const whole = Uint8Array.of(0x30, 0x82, 0x01, 0x00, 0x30, 0x05);
  for (let length = 0; length <= whole.length; length++) {
    expect(() => formatCertificate(whole.subarray(0, length))).toThrow(
      "Cannot read the certificate",
    );
  }
});

function openssl(...args: readonly string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["openssl", ...args]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return stdout.toString();
}
