import { expect, test } from "bun:test";
import {
  applies,
  deletes,
  podManifest,
  serverManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import { createIndex } from "./fold.ts";
import { createSettings } from "./settings.ts";

function createShop() {
  const index = createIndex(createSettings());
  index.apply(applies(
    serviceManifest("web", "10.43.0.1"),
    serviceManifest("api", "10.43.0.2"),
    podManifest("a", "10.1.0.1"),
    podManifest("b", "10.1.0.2", { labels: { app: "api" } }),
    sliceManifest("web", [["a", "10.1.0.1"]]),
    sliceManifest("api", [["b", "10.1.0.2"]]),
  ));
  const keys = (events: Parameters<typeof index.apply>[0]): string[] =>
    [...index.apply(events).keys].sort();
  return { index, keys };
}

test("apply() names what depends on the object, before and after, and nothing else", () => {
  const { keys } = createShop();
  expect(keys(applies(serviceManifest("web", "10.43.0.9"))))
    .toEqual([
      "ip 10.43.0.1",
      "ip 10.43.0.9",
      "policy of Service shop/web",
      "policy of ip 10.43.0.1",
      "policy of ip 10.43.0.9",
      "service shop/web",
    ]);
  expect(keys(applies(sliceManifest("web", [["b", "10.1.0.2"]]))))
    .toEqual(["service shop/web"]);
  expect(keys(applies(podManifest("b", "10.1.0.3"))))
    .toEqual([
      "ip 10.1.0.2",
      "ip 10.1.0.3",
      "pod shop/b",
      "service shop/api",
      "service shop/web",
    ]);
  expect(keys(deletes(podManifest("a", "10.1.0.1"))))
    .toEqual(["ip 10.1.0.1", "pod shop/a"]);
});

test("apply() of a Server names the Pods it selects, or did", () => {
  const { keys } = createShop();
  const pod = ["ip 10.1.0.1", "pod shop/a", "service shop/web"];
  expect(keys(applies(serverManifest("s")))).toEqual(pod);
  const elsewhere = { podSelector: { matchLabels: { app: "none" } } };
  const moved = serverManifest("s", { spec: elsewhere });
  expect(keys(applies(moved))).toEqual(pod);
  expect(keys(deletes(moved))).toEqual([]);
});

test("apply() of a Namespace names its Pods and Services", () => {
  const { keys } = createShop();
  const namespace = (name: string) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  });
  expect(keys(applies(namespace("other")))).toEqual([]);
  expect(keys(deletes(namespace("shop")))).toEqual([
    "ip 10.1.0.1",
    "ip 10.1.0.2",
    "ip 10.43.0.1",
    "ip 10.43.0.2",
    "pod shop/a",
    "pod shop/b",
    "policy of Service shop/api",
    "policy of Service shop/web",
    "policy of ip 10.43.0.1",
    "policy of ip 10.43.0.2",
    "service shop/api",
    "service shop/web",
  ]);
});

test("apply() warns once of Servers that overlap", () => {
  const { index } = createShop();
  const warnings = (manifest: ReturnType<typeof podManifest>) =>
    index.apply(applies(manifest)).warnings;
  expect(warnings(serverManifest("a"))).toEqual([]);
  expect(warnings(serverManifest("b", { spec: { port: "http" } }))).toEqual([
    "Server shop/b is not in force on port 8080: Server a is older or first by name",
  ]);
  expect(warnings(podManifest("a", "10.1.0.1"))).toEqual([]);
});

test("apply() leaves nothing of what was deleted", () => {
  const index = createIndex(createSettings());
  const all = [
    serviceManifest("web", "10.43.0.1"),
    podManifest("a", "10.1.0.1"),
    sliceManifest("web", [["a", "10.1.0.1"]]),
    serverManifest("s"),
  ];
  index.apply(applies(...all));
  index.apply(deletes(...all));
  expect(new Set(Object.values(index.sizes()))).toEqual(new Set([0]));
  expect(index.services.byIp.get("10.43.0.1").size).toBe(0);
  expect(index.pods.byIp.get("10.1.0.1").size).toBe(0);
  expect(index.slices.keysOf("pod shop/a").size).toBe(0);
});
