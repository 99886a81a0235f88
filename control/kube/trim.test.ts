import { expect, test } from "bun:test";
import type { Pod } from "../../schemas/kube.ts";
import { objectOf, podManifest } from "../testing/objects.ts";
import { createTrim } from "./trim.ts";

test("a trim keeps what says how a Pod is reached, not what fills it", () => {
  const proxy = {
    name: "linkerd-proxy",
    ports: [{ name: "linkerd-proxy", containerPort: 4143 }],
  };
  const listen = {
    name: "LINKERD2_PROXY_INBOUND_LISTEN_ADDR",
    value: "0.0.0.0:4143",
  };
  const identity = {
    name: "LINKERD2_PROXY_IDENTITY_LOCAL_NAME",
    value:
      "$(_pod_sa).$(_pod_ns).serviceaccount.identity.linkerd.cluster.local",
  };
  const opaque = {
    "config.linkerd.io/opaque-ports": "3306",
    "timeout.linkerd.io/request": "1s",
    "retry.linkerd.io/limit": "1",
    "balancer.linkerd.io/failure-accrual": "unified",
    "balancer.alpha.linkerd.io/penalize-failures": "true",
    "viz.linkerd.io/tap-enabled": "true",
  };
  const pod = (env: object[], annotations: object) =>
    objectOf(podManifest("web-1", "10.1.0.1", {
      annotations: { ...opaque, ...annotations },
      spec: {
        initContainers: [{ ...proxy, env: [listen, identity, ...env] }],
        containers: [{ name: "app", ...env.length > 0 ? { env } : {} }],
      },
    }));
  const filled = pod(
    [{ name: "LINKERD2_PROXY_LOG", value: "warn" }],
    { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
  );
  expect(createTrim()(filled)).toEqual(pod([], {}));
});

test("what Pods of one template have in common is kept once", () => {
  const trim = createTrim();
  const pod = (name: string, app: string) =>
    trim(objectOf(podManifest(name, "10.1.0.1", {
      labels: { app },
      spec: { containers: [{ name: app }] },
    }))) as Pod;
  const [first, second, other] = [
    pod("web-1", "web"),
    pod("web-2", "web"),
    pod("shop-1", "shop"),
  ];
  expect(second?.metadata.name).toBe("web-2");
  expect(second?.metadata.labels).toBe(first?.metadata.labels ?? {});
  expect(second?.spec?.containers).toBe(first?.spec?.containers ?? []);
  expect(other?.spec?.containers).toEqual([{ name: "shop" }]);
});
