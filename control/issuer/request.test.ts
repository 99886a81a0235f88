import "reflect-metadata"; // @peculiar/x509 does not load without it
import { describe, expect, test } from "bun:test";
import { SubjectAlternativeNameExtension } from "@peculiar/x509";
import { createRequest, RSA_2048 } from "../testing/pki.ts";
import { checkRequest, parseRequest } from "./request.ts";

const NAME = "web.emojivoto.serviceaccount.identity.linkerd.cluster.local";

async function check(
  options: Parameters<typeof createRequest>[1],
): Promise<unknown> {
  return checkRequest(parseRequest(await createRequest(NAME, options)), NAME);
}

describe("parseRequest()", () => {
  test("takes DER only", async () => {
    const der = await createRequest(NAME);
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${
      Buffer.from(der).toString("base64")
    }\n-----END CERTIFICATE REQUEST-----`;
    expect(() => parseRequest(Buffer.from(pem))).toThrow("it is not DER");
    expect(() => parseRequest(der.subarray(0, 40))).toThrow("it is not DER");
    expect(() => parseRequest(new Uint8Array(5_000))).toThrow("5000 bytes");
  });
});

describe("checkRequest()", () => {
  test("takes one DNS name, with no common name or the same one", async () => {
    await check({});
    await check({ subject: `CN=${NAME}` });
    await check({ algorithm: { name: "ECDSA", namedCurve: "P-384" } });
  });

  test("refuses no name, two names and another name", async () => {
    const dns = (value: string) => ({ type: "dns" as const, value });
    await expect(check({ names: [] })).rejects.toThrow("DNS names are none");
    await expect(check({ names: [dns(NAME), dns("x.y")] })).rejects.toThrow(
      `"${NAME}", "x.y", expected only "${NAME}"`,
    );
    await expect(check({ names: [dns(NAME.toUpperCase())] })).rejects.toThrow(
      "expected only",
    );
  });

  test("refuses every other kind of name", async () => {
    for (
      const other of [
        { type: "email", value: "a@b.c" },
        { type: "ip", value: "10.0.0.1" },
        { type: "url", value: "spiffe://x/y" },
        { type: "dn", value: "CN=x" },
      ] as const
    ) {
      await expect(check({ names: [{ type: "dns", value: NAME }, other] }))
        .rejects.toThrow(`it asks for the ${other.type} name`);
    }
  });

  test("refuses a second extension of names", async () => {
    await expect(check({
      extensions: [
        new SubjectAlternativeNameExtension([{ type: "dns", value: "x.y" }]),
      ],
    })).rejects.toThrow("expected only");
  });

  test("refuses another common name", () =>
    expect(check({ subject: "CN=admin" })).rejects.toThrow(
      'its common name is "admin"',
    ));

  test("refuses an RSA key", () =>
    expect(check({ algorithm: RSA_2048 })).rejects.toThrow(
      "its key is RSASSA-PKCS1-v1_5, expected ECDSA",
    ));

  test("refuses a request that its key did not sign", async () => {
    const der = Buffer.from(await createRequest(NAME));
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    await expect(checkRequest(parseRequest(der), NAME)).rejects.toThrow(
      "it is not signed by the key it holds",
    );
  });
});
