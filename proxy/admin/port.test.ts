import { describe, expect, test } from "bun:test";
import { createPorts } from "../inbound/ports.ts";
import { enforce } from "../policy/enforcement.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { requestHead } from "../testing/http1.ts";
import { authorization, serverPolicy } from "../testing/policies.ts";
import { createAdminPort, withProbes } from "./port.ts";

const DENIED = serverPolicy([]);
const OPEN = serverPolicy([authorization(["0.0.0.0/0"])]);

test("createAdminPort() has its own policy until there is one to follow", () => {
  const control = new FakeControl();
  const watched = createPorts({
    control,
    permanent: [],
    idleMs: 1_000,
    defaultPolicy: () => DENIED,
  }).take(4191);
  const port = createAdminPort(4191, OPEN);
  let told = 0;
  const leave = port.subscribe(() => told++);
  expect(port.policy).toBe(OPEN);
  port.follow(watched);
  expect([port.policy, told]).toEqual([DENIED, 1]);
  control.serverPolicies.next(4191, OPEN);
  expect([port.policy, told]).toEqual([OPEN, 2]);
  expect(port.enforcement).toBe(watched.enforcement);
  leave();
  control.serverPolicies.next(4191, DENIED);
  expect(told).toBe(2);
});

describe("withProbes()", () => {
  const { routes } = enforce(withProbes(DENIED, 1_000), null);
  const routeOf = (method: string, path: string) => {
    const claim = routes.find(requestHead(method, path, { host: "a" }));
    const route = claim?.payload.route;
    return [route?.meta.name, route?.authorizations.length];
  };

  test.each([
    ["GET", "/live", "probe"],
    ["GET", "/ready", "probe"],
    ["GET", "/metrics", "default"],
    ["GET", "/live/", "default"],
    ["GET", "//live", "default"],
    ["GET", "/LIVE", "default"],
    ["POST", "/ready", "default"],
  ])("finds for %s %s the route %s", (method, path, name) => {
    expect(routeOf(method, path)).toEqual([name, name === "probe" ? 1 : 0]);
  });
});
