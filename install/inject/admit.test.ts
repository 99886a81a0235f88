import { expect, test } from "bun:test";
import { ANNOTATIONS } from "../../schemas/names.ts";
import { admit } from "./admit.ts";
import { applyPatch } from "./apply.ts";
import { injection } from "./testing/pods.ts";
import type { Fields } from "./workload.ts";

const POD: Fields = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "web-", labels: { app: "web" } },
  spec: {
    containers: [{
      name: "web",
      image: "nginx",
      ports: [{ containerPort: 80 }, { containerPort: 3306 }],
    }],
  },
};

function service(ports: readonly Fields[], annotations?: Fields): Fields {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", annotations },
    spec: { ports },
  };
}

/** The opaque ports that an object ends with; undefined when it is left alone. */
function opaqueOf(object: Fields, namespaceAnnotations = {}): unknown {
  const { patch } = admit(object, injection({ namespaceAnnotations }));
  const patched = applyPatch(object, patch) as {
    metadata: { annotations?: Fields };
  };
  return patched.metadata.annotations?.[ANNOTATIONS.opaquePorts];
}

test("a pod gets a proxy when its namespace asks, and is told who its owner is", () => {
  const verdict = admit(
    POD,
    injection({ namespaceAnnotations: { [ANNOTATIONS.inject]: "enabled" } }),
  );
  expect(verdict.done === "injected" && verdict.askedAt).toBe("namespace");
  const pod = applyPatch(POD, verdict.patch) as {
    metadata: { labels: Fields };
    spec: { initContainers: { name: string }[] };
  };
  expect(pod.spec.initContainers.map(({ name }) => name))
    .toEqual(["linkerd-init", "linkerd-proxy"]);
  expect(pod.metadata.labels).toMatchObject({
    "app": "web",
    "linkerd.io/proxy-deployment": "web",
    "linkerd.io/workload-ns": "shop",
  });
});

test("owners of other kinds than Kubernetes' own give no label", () => {
  const asked = { namespaceAnnotations: { [ANNOTATIONS.inject]: "enabled" } };
  const owner = { kind: "rollout", name: "web" };
  const { patch } = admit(POD, injection({ ...asked, owner }));
  expect(JSON.stringify(patch)).not.toContain("proxy-rollout");
});

test("a pod nobody asked for is left alone but for its opaque ports", () => {
  const verdict = admit(POD, injection());
  expect(verdict).toMatchObject({
    done: "skipped",
    reasons: ["injection_enable_annotation_absent"],
  });
  expect(opaqueOf(POD)).toBe("3306");
});

test.each([
  ["the port itself", [{ port: 3306 }], "3306"],
  ["what pods listen on", [{ port: 80, targetPort: 3306 }], "80"],
  ["not what clients dial", [{ port: 3306, targetPort: 80 }], undefined],
  ["not a port by name", [{ port: 3306, targetPort: "sql" }], undefined],
  ["each once", [{ port: 25 }, { port: 80 }, { port: 5432 }], "25,5432"],
  ["none", [], undefined],
])("a Service's opaque ports: %s", (_what, ports, wanted) => {
  expect(opaqueOf(service(ports))).toBe(wanted);
});

test("an annotation beats the defaults: the object's own, then the namespace's", () => {
  const around = { [ANNOTATIONS.opaquePorts]: "9000" };
  expect(opaqueOf(service([{ port: 25 }]), around)).toBe("9000");
  const own = service([{ port: 25 }], { [ANNOTATIONS.opaquePorts]: "" });
  expect(opaqueOf(own, around)).toBe("");
});

test("what makes no sense is an error that names the field", () => {
  const pod = { ...POD, spec: { containers: "web" } };
  expect(() => admit(pod, injection())).toThrow("spec.containers");
  const asked = { [ANNOTATIONS.inject]: "enabled" };
  const wrong = {
    ...POD,
    metadata: { annotations: { "config.linkerd.io/admin-port": "many" } },
  };
  expect(() => admit(wrong, injection({ namespaceAnnotations: asked })))
    .toThrow("config.linkerd.io/admin-port");
});
