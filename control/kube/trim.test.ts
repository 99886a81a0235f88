import { expect, test } from "bun:test";
import { objectOf, podManifest } from "../testing/objects.ts";
import { trim } from "./trim.ts";

test("trim() keeps what says how a Pod is reached, not what fills it", () => {
  const proxy = {
    name: "linkerd-proxy",
    ports: [{ name: "linkerd-proxy", containerPort: 4143 }],
  };
  const listen = {
    name: "LINKERD2_PROXY_INBOUND_LISTEN_ADDR",
    value: "0.0.0.0:4143",
  };
  const opaque = { "config.linkerd.io/opaque-ports": "3306" };
  const pod = (env: object[], annotations: object) =>
    objectOf(podManifest("web-1", "10.1.0.1", {
      annotations: { ...opaque, ...annotations },
      spec: {
        initContainers: [{ ...proxy, env: [listen, ...env] }],
        containers: [{ name: "app", ...env.length > 0 ? { env } : {} }],
      },
    }));
  const filled = pod(
    [{ name: "LINKERD2_PROXY_LOG", value: "warn" }],
    { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
  );
  expect(trim(filled)).toEqual(pod([], {}));
});
