import { expect, test } from "bun:test";
import { formatAddress } from "../../../schemas/address.ts";
import type { Endpoint } from "../../../schemas/destination.ts";
import type { EndpointsAnswer } from "../../views.ts";
import { fromTcpAddress } from "./address.ts";
import { updatesBetween } from "./diff.ts";

const SERVICE = { namespace: "shop", name: "web" };

function endpoint(ip: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    address: { ip, port: 80 },
    weight: 10_000,
    labels: {},
    identity: null,
    protocolHint: "none",
    inboundPort: null,
    authorityOverride: null,
    http2: null,
    ...more,
  };
}

function known(...endpoints: readonly Endpoint[]): EndpointsAnswer {
  return {
    kind: "known",
    endpoints: new Map(
      endpoints.map((one) => [formatAddress(one.address), one]),
    ),
  };
}

function steps(before: EndpointsAnswer | null, now: EndpointsAnswer): string[] {
  return updatesBetween(before, now, SERVICE).map(({ update }) => {
    switch (update.case) {
      case "add":
        return `add ${update.value.addrs.map(({ addr }) => ip(addr))}`;
      case "remove":
        return `remove ${update.value.addrs.map(ip)}`;
      case "noEndpoints":
        return `none ${update.value.exists}`;
      default:
        return "nothing";
    }
  });
}

function ip(message: Parameters<typeof fromTcpAddress>[0] | undefined) {
  return message && fromTcpAddress(message)?.ip;
}

test("updatesBetween() says what a proxy must hear to follow, and no more", () => {
  const [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((ip) =>
    endpoint(ip)
  ) as [Endpoint, Endpoint, Endpoint];
  const absent: EndpointsAnswer = { kind: "absent" };
  const changed = endpoint("10.0.0.1", { protocolHint: "h2" });
  const cases: [EndpointsAnswer | null, EndpointsAnswer, string[]][] = [
    [null, known(a, b), ["add 10.0.0.1,10.0.0.2"]],
    [null, known(), ["none true"]],
    [known(a), known(a, b), ["add 10.0.0.2"]],
    [known(a, b), known(b, c), ["add 10.0.0.3", "remove 10.0.0.1"]],
    [known(a), known(changed), ["add 10.0.0.1"]],
    [known(a), known(endpoint("10.0.0.1")), []],
    [known(a), known(), ["none true"]],
    [known(), known(), []],
    [known(a), absent, ["none false"]],
    [known(), absent, ["none false"]],
    [absent, known(), ["none true"]],
    [absent, known(a), ["add 10.0.0.1"]],
  ];
  for (const [before, now, expected] of cases) {
    expect(steps(before, now)).toEqual(expected);
  }
});
