import { expect } from "bun:test";
import { parseManifest } from "../manifest.ts";
import { FieldProblem, formatPath } from "../field-problem.ts";

/** The group of Linkerd's policies. */
export const POLICY = "policy.linkerd.io";

/** References that policies have to one another. */
export const TARGET = { group: POLICY, kind: "Server", name: "web" };
export const ACCOUNT = { kind: "ServiceAccount", name: "api" };

const metadata = { name: "x", namespace: "shop" };

const VERSIONS: Readonly<Record<string, string>> = {
  Server: "v1beta3",
  ServerAuthorization: "v1beta1",
  HTTPRoute: "v1beta3",
  GRPCRoute: "v1",
};

/** A policy of namespace `shop` and what its first mistake says; null: it has none. */
export type Case = [kind: string, spec: unknown, says: string | null];

/** Expects of each policy what its case says. */
export function expectMistakes(cases: readonly Case[]): void {
  for (const [kind, spec, says] of cases) {
    const found = mistakeOf(manifest(kind, spec));
    if (says === null) {
      expect({ kind, spec, found }).toMatchObject({ found: null });
    } else expect(found ?? "no mistake").toContain(says);
  }
}

/** What the first mistake of a manifest says, which names its field; null when it has none. */
function mistakeOf(value: unknown): string | null {
  try {
    parseManifest(value);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof FieldProblem)) throw thrown;
    expect(thrown.code).toBe("manifest.invalid");
    expect(thrown.message).toContain(formatPath(thrown.path));
    return thrown.message;
  }
}

function manifest(kind: string, spec: unknown): object {
  const version = VERSIONS[kind] ?? "v1alpha1";
  const group = kind === "GRPCRoute" ? "gateway.networking.k8s.io" : POLICY;
  return { apiVersion: `${group}/${version}`, kind, metadata, spec };
}
