// What the control plane reads of a cluster it may read: one kind that it may not would keep it from ever being ready.
import { expect, test } from "bun:test";
import { RESOURCES } from "../control/kube/resources.ts";
import type { Install } from "../install/context.ts";
import { destinationAccess } from "../install/destination.ts";
import { policyAccess } from "../install/policy.ts";
import type { Rule } from "../install/rbac.ts";
import { DEFAULT_VALUES } from "../schemas/values/defaults.ts";

test("the roles of an install let the control plane list and watch all that it reads", () => {
  const install: Install = {
    values: DEFAULT_VALUES,
    namespace: "linkerd",
    served: {
      proxyInjector: NO_CERTIFICATE,
      profileValidator: NO_CERTIFICATE,
      policyValidator: NO_CERTIFICATE,
      tap: NO_CERTIFICATE,
    },
    trustRootSha256: "",
    yaml: String,
  };
  const rules = [...destinationAccess(install), ...policyAccess(install)]
    .filter(({ kind }) => kind === "ClusterRole")
    .flatMap(({ rules }) => rules as readonly Rule[]);
  const forbidden = RESOURCES.filter(({ apiVersion, plural }) => {
    const [group = "", version] = apiVersion.split("/");
    return !rules.some(({ apiGroups, resources, verbs }) =>
      apiGroups.includes(version === undefined ? "" : group) &&
      resources.includes(plural) &&
      verbs.includes("list") && verbs.includes("watch")
    );
  });
  expect(RESOURCES.length).toBeGreaterThan(10);
  expect(forbidden).toEqual([]);
});

const NO_CERTIFICATE = { crtPEM: "", keyPEM: "", caBundle: "" };
