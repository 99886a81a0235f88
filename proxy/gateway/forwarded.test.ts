import { expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { forwardedBy, hasBeenHere } from "./forwarded.ts";

const OWN = "gateway.mesh.serviceaccount.identity.linkerd.cluster.local";

test("says by whom, for whom and for what, as Linkerd's gateways do", () => {
  const field = forwardedBy(OWN, "api.shop", "web.shop:80");
  expect(`${field.name.text}: ${field.text}`)
    .toBe(`forwarded: by=${OWN};for=api.shop;host=web.shop:80;proto=https`);
  expect(hasBeenHere([field], OWN)).toBeTrue();
  expect(hasBeenHere([field], "another")).toBeFalse();
});

test("a name cannot say anything else about the request", () => {
  const { text } = forwardedBy(
    OWN,
    `spiffe://a/";by=b\r\nx: y,\\`,
    "web.shop:80",
  );
  expect(text).toBe(
    `by=${OWN};for="spiffe://a/\\";by=b??x: y,\\\\";host=web.shop:80;proto=https`,
  );
});

test.each([
  [`by=${OWN}`, true],
  [`for=a;BY="${OWN.toUpperCase()}"; proto=http`, true],
  [`for=a, for=b;by=c,by = ${OWN}`, true],
  [`for="never closed, by=${OWN};for=x`, true],
  [`for=${OWN}`, false],
  [`by=${OWN}.example.org`, false],
  ["", false],
])("forwarded: %s: %p", (value, been) => {
  expect(hasBeenHere([Field.of("forwarded", value)], OWN)).toBe(been);
  expect(hasBeenHere([Field.of("x-forwarded-for", value)], OWN)).toBeFalse();
});
