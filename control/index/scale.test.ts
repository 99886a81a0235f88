import { expect, test } from "bun:test";
import { createLog } from "../log.ts";
import {
  applies,
  deletes,
  podManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import { clientRoute } from "../testing/routes.ts";
import { createWorld } from "../world.ts";
import { createIndex } from "./fold.ts";
import { createSettings } from "./settings.ts";

const ip = (network: number, at: number): string =>
  `10.${network}.${at >> 8}.${at & 255}`;

/** `services` Services with `each` meshed Pods behind each. */
function shop(services: number, each: number) {
  return Array.from({ length: services }, (_, at) => {
    const pods = Array.from({ length: each }, (_, of) => at * each + of);
    return [
      serviceManifest(`s${at}`, ip(43, at)),
      ...pods.map((pod) => podManifest(`p${pod}`, ip(1, pod))),
      sliceManifest(
        `s${at}`,
        pods.map((pod): [string, string] => [`p${pod}`, ip(1, pod)]),
      ),
    ];
  }).flat();
}

test("apply() of one change touches one Service of 1,000", () => {
  const index = createIndex(createSettings());
  index.apply(applies(...shop(1_000, 5)));
  expect(index.sizes()).toMatchObject({ services: 1_000, pods: 5_000 });
  const { keys } = index.apply(applies(podManifest("p7", ip(2, 7))));
  expect([...keys].sort()).toEqual([
    `ip ${ip(1, 7)}`,
    `ip ${ip(2, 7)}`,
    "pod shop/p7",
    "service shop/s1",
  ]);
});

test("a Service with 1,000 endpoints is told anew once, and its other endpoints stay the same objects", async () => {
  const log = createLog({ level: "error", format: "plain" });
  const world = createWorld({ settings: createSettings(), log });
  world.apply(applies(...shop(1, 1_000)));
  const hangUp = new AbortController();
  const reader = world.endpoints.watch({
    service: { namespace: "shop", name: "s0" },
    port: 80,
    hostname: null,
    nodeName: null,
  }, hangUp.signal)[Symbol.asyncIterator]();
  const before = (await reader.next()).value;
  world.apply(applies(podManifest("p7", ip(1, 7), { labels: {} })));
  const after = (await reader.next()).value;
  hangUp.abort();
  world.close();
  if (before?.kind !== "known" || after?.kind !== "known") throw new Error();
  const changed = [...after.endpoints].filter(([key, endpoint]) =>
    before.endpoints.get(key) !== endpoint
  );
  expect(changed.map(([key]) => key)).toEqual([`${ip(1, 7)}:8080`]);
});

test("one route of 1,000 on 1,000 Services touches its own, and so does what it sends to", () => {
  const index = createIndex(createSettings());
  const route = (at: number, weight: number) =>
    clientRoute("HTTPRoute", `r${at}`, [{
      backendRefs: [
        { name: `s${at}`, port: 80, weight },
        { name: `s${(at + 1) % 1_000}`, port: 80 },
      ],
    }], { parentRefs: [{ kind: "Service", name: `s${at}` }] });
  index.apply(applies(
    ...shop(1_000, 1),
    ...Array.from({ length: 1_000 }, (_, at) => route(at, 1)),
  ));
  expect(index.sizes()).toMatchObject({ services: 1_000, routes: 1_000 });
  const own = ["policy of Service shop/s7", `policy of ip ${ip(43, 7)}`];
  expect([...index.apply(applies(route(7, 2))).keys].sort()).toEqual(own);
  const { keys } = index.apply(deletes(serviceManifest("s8", ip(43, 8))));
  expect([...keys].filter((key) => key.startsWith("policy")).sort()).toEqual([
    own[0] ?? "",
    "policy of Service shop/s8",
    own[1] ?? "",
    `policy of ip ${ip(43, 8)}`,
  ]);
});
