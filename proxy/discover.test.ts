import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { parseNetwork } from "../schemas/address.ts";
import type { Profile } from "../schemas/destination.ts";
import type { ClientPolicy } from "../schemas/client-policy.ts";
import type { Watch } from "./control/watch.ts";
import { type Answers, decide, watchTarget } from "./discover.ts";
import { endpointAt } from "./testing/endpoints.ts";
import { FakeControl } from "./testing/fake-control.ts";
import {
  backendOf,
  detectPolicy,
  httpPolicy,
  opaquePolicy,
} from "./testing/policies.ts";

const ADDRESS = { ip: "10.96.0.7", port: 80 };
const NAME = "10.96.0.7:80";
const POLICY = detectPolicy(backendOf("web.shop.svc.cluster.local:80"));
const PLAIN: Profile = {
  fullyQualifiedName: "web.shop.svc.cluster.local",
  opaque: false,
  endpoint: null,
  routing: null,
};

/** Where a policy leads: its protocol, the name of its parent, and the address of a forward. */
function summary(policy: ClientPolicy | null): unknown {
  if (policy === null) return null;
  const { parent, protocol } = policy;
  const rule = "opaque" in protocol ? protocol.opaque.rule : null;
  const backend = rule?.backends.backends[0]?.backend;
  return {
    protocol: protocol.kind,
    parent: parent.kind === "default" ? parent.name : "",
    to: backend?.kind === "forward"
      ? backend.endpoint.address
      : backend?.kind === "balancer"
      ? backend.path
      : null,
  };
}

const DETECTED = {
  protocol: "detect",
  parent: "test",
  to: "web.shop.svc.cluster.local:80",
};

describe("decide()", () => {
  test.each<readonly [string, Answers, unknown]>([
    ["waits for both", { policy: undefined, profile: undefined }, null],
    ["waits for policy", { policy: undefined, profile: null }, null],
    ["waits for the profile", { policy: POLICY, profile: undefined }, null],
    ["takes policy", { policy: POLICY, profile: null }, DETECTED],
    ["takes policy over a profile", {
      policy: POLICY,
      profile: { ...PLAIN, endpoint: endpointAt("10.0.0.9", 8080) },
    }, DETECTED],
    ["lets the profile say opaque", {
      policy: POLICY,
      profile: { ...PLAIN, opaque: true },
    }, { ...DETECTED, protocol: "opaque" }],
    ["uses the profile's endpoint without policy", {
      policy: null,
      profile: { ...PLAIN, endpoint: endpointAt("10.0.0.9", 8080) },
    }, {
      protocol: "detect",
      parent: "endpoint",
      to: { ip: "10.0.0.9", port: 8080 },
    }],
    ["falls back to the address itself", { policy: null, profile: null }, {
      protocol: "detect",
      parent: "fallback",
      to: ADDRESS,
    }],
    ["falls back as opaque if the profile says so", {
      policy: null,
      profile: { ...PLAIN, opaque: true },
    }, { protocol: "opaque", parent: "fallback", to: ADDRESS }],
  ])("%s", (_what, answers, wanted) => {
    expect(summary(decide(answers, ADDRESS, 1_000))).toEqual(wanted);
  });

  test("leaves a policy that knows no opaque as it is", () => {
    const http = httpPolicy();
    const profile = { ...PLAIN, opaque: true };
    expect(decide({ policy: http, profile }, ADDRESS, 1_000)).toBe(http);
  });
});

describe("watchTarget()", () => {
  let control: FakeControl;
  let heard: unknown[];
  beforeEach(() => {
    jest.useFakeTimers();
    control = new FakeControl();
    heard = [];
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function watch(networks: readonly string[] = ["10.0.0.0/8"]): Watch {
    return watchTarget(ADDRESS, {
      control,
      profileNetworks: networks.map(parseNetwork),
      detectTimeoutMs: 1_000,
    }, (policy) => heard.push(summary(policy)));
  }

  test("asks for policy and profile at once, and hears of them together", () => {
    const watching = watch();
    expect([control.clientPolicies.open, control.profiles.open])
      .toEqual([[NAME], [NAME]]);
    control.profiles.next(NAME, PLAIN);
    expect(heard).toEqual([]);
    control.clientPolicies.next(NAME, POLICY);
    expect(heard).toEqual([DETECTED]);
    watching.close();
    expect([control.clientPolicies.open, control.profiles.open])
      .toEqual([[], []]);
  });

  test("asks for no profile outside the profile networks", () => {
    const watching = watch(["172.16.0.0/12"]);
    expect(control.profiles.asked).toEqual([]);
    control.clientPolicies.next(NAME, POLICY);
    expect(heard).toEqual([DETECTED]);
    watching.close();
  });

  test("waits for a slow profile a second and no longer", () => {
    const watching = watch();
    control.clientPolicies.next(NAME, POLICY);
    jest.advanceTimersByTime(900);
    expect(heard).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(heard).toEqual([DETECTED]);
    control.profiles.next(NAME, { ...PLAIN, opaque: true });
    expect(heard.length).toBe(2);
    expect(heard[1]).toMatchObject({ protocol: "opaque" });
    watching.close();
  });

  test("takes a refusal for an answer, and keeps what it knew before", () => {
    const watching = watch();
    control.profiles.refuse(NAME);
    control.clientPolicies.refuse(NAME);
    expect(heard).toEqual([{
      protocol: "detect",
      parent: "fallback",
      to: ADDRESS,
    }]);
    control.clientPolicies.next(NAME, POLICY);
    control.clientPolicies.refuse(NAME);
    expect(heard.slice(1)).toEqual([DETECTED, DETECTED]);
    watching.close();
  });

  test("closed while it waits, leaves nothing behind", () => {
    const watching = watch();
    control.clientPolicies.next(NAME, POLICY);
    watching.close();
  });

  test("passes every change on", () => {
    const watching = watch([]);
    control.clientPolicies.next(NAME, POLICY);
    control.clientPolicies.next(NAME, opaquePolicy(backendOf("b:80")));
    expect(heard).toMatchObject([DETECTED, { protocol: "opaque", to: "b:80" }]);
    watching.close();
  });
});
