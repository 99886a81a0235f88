import { expect, test } from "bun:test";
import { formatIdentity } from "./identity.ts";

const REALM = { controlNamespace: "linkerd", trustDomain: "cluster.local" };
const identityOf = (serviceAccount: string, namespace: string) =>
  formatIdentity({ serviceAccount, namespace }, REALM);

test("formatIdentity() names a service account in its trust domain", () => {
  expect(identityOf("web", "shop"))
    .toBe("web.shop.serviceaccount.identity.linkerd.cluster.local");
  expect(identityOf("a".repeat(63), "0-9")).toStartWith("aaa");
});

test.each(["", "Web", "a.b", "-a", "a-", "a_b", "a".repeat(64), "wéb"])(
  "formatIdentity() refuses the label %p, in either place",
  (label) => {
    expect(() => identityOf(label, "shop"))
      .toThrow(`service account "${label}" is not a DNS label`);
    expect(() => identityOf("web", label))
      .toThrow(`namespace "${label}" is not a DNS label`);
  },
);
