import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import {
  element,
  integer,
  objectId,
  octets,
  sequence,
} from "../../schemas/der.ts";
import { createPki } from "../testing/pki.ts";
import { subjectNames } from "./subject-names.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const dns = (name: string) => element(0x82, encode(name));
const uri = (name: string) => element(0x86, encode(name));
const email = (name: string) => element(0x81, encode(name));
const altNames = (...names: Uint8Array[]) =>
  sequence(objectId("2.5.29.17"), octets(sequence(...names)));
const keyUsage = sequence(
  objectId("2.5.29.15"),
  element(0x01, Uint8Array.of(0xff)),
  octets(element(0x03, Uint8Array.of(7, 0x80))),
);

/** The outline of a certificate; only its extensions matter here. */
function certificate(...extensions: Uint8Array[]): Uint8Array {
  const signed = sequence(
    element(0xa0, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(1)),
    sequence(),
    element(0xa3, sequence(...extensions)),
  );
  return sequence(signed, sequence(), element(0x03, Uint8Array.of(0)));
}

describe("subjectNames()", () => {
  test("finds the names of a real certificate", () => {
    const name = "web.shop.serviceaccount.identity.linkerd.cluster.local";
    const { chain } = createPki().issue(name, {
      san: `DNS:${name},URI:spiffe://root/web,email:a@b.c,IP:10.0.0.1`,
    });
    expect(subjectNames(new X509Certificate(chain).raw)).toEqual({
      dns: [name],
      uri: ["spiffe://root/web"],
      first: name,
    });
  });

  test("takes a comma as part of a name, not as the start of another", () => {
    const { dns: found } = subjectNames(
      certificate(altNames(dns("evil.test,DNS:web.shop"))),
    );
    expect(found).toEqual(["evil.test,dns:web.shop"]);
  });

  test("keeps the order of kinds for the first name, and compares in lower case", () => {
    const names = altNames(
      email("x@y.z"),
      uri("spiffe://Root/A"),
      dns("Web.Shop"),
    );
    expect(subjectNames(certificate(keyUsage, names))).toEqual({
      dns: ["web.shop"],
      uri: ["spiffe://Root/A"],
      first: "spiffe://Root/A",
    });
  });

  test("finds none where there are none", () => {
    const none = { dns: [], uri: [], first: null };
    expect(subjectNames(certificate(keyUsage))).toEqual(none);
    expect(subjectNames(certificate(altNames()))).toEqual(none);
    expect(subjectNames(sequence(sequence(), sequence()))).toEqual(none);
  });

  test("refuses names that text could misread", () => {
    for (const name of ["web\0.evil.test", "", "wéb", "a b", "a\n"]) {
      expect(() => subjectNames(certificate(altNames(dns(name))))).toThrow(
        "Cannot read the names",
      );
    }
    const many = Array.from({ length: 65 }, () => dns("a.b"));
    expect(() => subjectNames(certificate(altNames(...many)))).toThrow(
      "more than 64",
    );
  });

  test("refuses a second list of names", () => {
    const [one, two] = [altNames(dns("a.b")), altNames(dns("c.d"))];
    expect(() => subjectNames(certificate(one, two))).toThrow(
      "two subjectAltName",
    );
  });

  test("refuses what is not DER, wherever it is cut or bent", () => {
    const whole = certificate(keyUsage, altNames(dns("web.shop")));
    expect(subjectNames(whole).first).toBe("web.shop");
    for (let length = 0; length < whole.length; length++) {
      expect(() => subjectNames(whole.subarray(0, length))).toThrow();
    }
    expect(() => subjectNames(Uint8Array.of(...whole, 0))).toThrow();
    const indefinite = Uint8Array.of(0x30, 0x80, 0, 0);
    expect(() => subjectNames(indefinite)).toThrow("unusual form");
    const long = Uint8Array.of(0x30, 0x81, 0x02, 0x30, 0x00);
    expect(() => subjectNames(long)).toThrow("shortest form");
    for (let at = 0; at < whole.length; at++) {
      const bent = whole.slice();
      bent[at] = (bent[at] ?? 0) ^ 0x80;
      try {
        expect(subjectNames(bent).dns.join().length).toBeLessThan(9);
      } catch (error) {
        expect(error).toMatchObject({ code: "tls.refused" });
      }
    }
  });
});
