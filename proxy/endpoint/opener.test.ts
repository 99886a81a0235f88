import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../schemas/destination.ts";
import { Problem } from "../../schemas/problem.ts";
import { createEndpointBed, THIS_HOST } from "../testing/endpoint-bed.ts";
import { endpointAt } from "../testing/endpoints.ts";
import { FarSide } from "../testing/far-side.ts";
import { createPki } from "../testing/pki.ts";
import { Recorder, turn } from "../testing/recorder.ts";
import { createOpener } from "./opener.ts";

const pki = createPki();
const server = pki.issue("web.shop");
const client = pki.issue("api.shop");

let far: FarSide;
beforeEach(() => {
  far = new FarSide();
});
afterEach(() => far.close());

async function codeOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof Problem) return error.code;
  }
  return "none";
}

describe("createOpener()", () => {
  test("reaches an endpoint without identity in plaintext, and says why", async () => {
    const bed = createEndpointBed(client);
    const opener = createOpener(far.listen(), "web.shop:80", bed.context);
    const channel = await opener.open("http1");
    new Recorder(channel).send("GET");
    while (far.accepted.length === 0) await turn();
    const [peer] = far.accepted;
    if (peer === undefined) throw new Error("nothing accepted");
    const reader = new Recorder(peer);
    await reader.until(() => reader.text === "GET");
    const [opened = ""] = bed.lines("tcp_open_total");
    expect(opened).toContain(`authority="web.shop:80"`);
    expect(opened).toContain(
      `no_tls_reason="not_provided_by_service_discovery"`,
    );
    channel.destroy();
    opener.close();
  });

  test.each(
    [
      ["none", "http1", "http1"],
      ["h2", "http2", "http2"],
      ["opaque", "http1", null],
      ["none", null, null],
      ["none", "detect", "detect"],
    ] as const,
  )(
    "tells the proxy of a %s endpoint about %p: %p",
    async (hint, session, told) => {
      const bed = createEndpointBed(client);
      const opener = createOpener(
        far.listenMeshed(server, hint),
        undefined,
        bed.context,
      );
      const channel = await opener.open(session);
      while (far.headers.length === 0) await turn();
      expect(far.headers).toEqual([{ port: 8_080, name: "", session: told }]);
      expect(bed.lines("tcp_open_total")[0]).toContain(`server_id="web.shop"`);
      channel.destroy();
      opener.close();
    },
  );

  test.each([
    ["web.shop.svc.cluster.local:80", 80],
    ["web.shop.svc.cluster.local", null],
  ])("asks a gateway for %s", async (authorityOverride, port) => {
    const bed = createEndpointBed(client);
    const { inboundPort, ...proxied } = far.listenMeshed(server, "none");
    const address = { ip: THIS_HOST, port: inboundPort ?? 0 };
    const name = "web.shop.svc.cluster.local";
    const given = [
      // As of a mirrored Service, and as of a pod.
      { ...proxied, address, inboundPort: null, authorityOverride },
      { ...proxied, inboundPort, authorityOverride },
    ];
    for (const endpoint of given) {
      const opener = createOpener(endpoint, undefined, bed.context);
      const channel = await opener.open("http1");
      while (far.headers.length === 0) await turn();
      const asked = port ?? endpoint.address.port;
      expect(far.headers.pop()).toEqual({
        port: asked,
        name,
        session: "http1",
      });
      channel.destroy();
      opener.close();
    }
  });

  test("does not ask a gateway for what is no authority", async () => {
    const bed = createEndpointBed(client);
    const endpoint = {
      ...far.listenMeshed(server, "none"),
      authorityOverride: "a:b",
    };
    const opener = createOpener(endpoint, undefined, bed.context);
    expect(await codeOf(opener.open(null))).toBe("protocol.invalid");
    expect(far.accepted).toEqual([]);
    opener.close();
  });

  test("reaches its own pod in plaintext, at the application's port", async () => {
    const bed = createEndpointBed(client, [THIS_HOST]);
    const endpoint = {
      ...far.listen(),
      identity: { id: "x", kind: "dns", serverName: "x" },
      inboundPort: 1,
    } as const;
    const opener = createOpener(endpoint, undefined, bed.context);
    expect(opener.local).toBeTrue();
    const channel = await opener.open("http1");
    expect(bed.lines("tcp_open_total")[0])
      .toContain(`no_tls_reason="loopback"`);
    channel.destroy();
    opener.close();
  });

  test("refuses loopback addresses, and identities before it has one", async () => {
    const meshed = far.listenMeshed(server, "none");
    const { context } = createEndpointBed(null);
    const to = (endpoint: Endpoint) =>
      codeOf(createOpener(endpoint, undefined, context).open(null));
    expect(await to(endpointAt("127.0.0.1"))).toBe("connect.failed");
    expect(await to(endpointAt("127.9.9.9"))).toBe("connect.failed");
    expect(await to(endpointAt("::1"))).toBe("connect.failed");
    expect(await to(meshed)).toBe("identity.unavailable");
  });

  test("keeps counting a connection that outlives its endpoint", async () => {
    const bed = createEndpointBed(client);
    const opener = createOpener(far.listen(), undefined, bed.context);
    const channel = await opener.open(null);
    new Recorder(channel);
    opener.close();
    expect(bed.kept("tcp_open_connections")[0]).toEndWith(" 1");
    channel.destroy();
    while (!channel.closed) await turn();
    expect(bed.lines("tcp_open_connections")[0]).toEndWith(" 0");
  });

  test("gives its series back also when nobody answers", async () => {
    const endpoint = far.listen();
    far.stopListening();
    const bed = createEndpointBed(client);
    const opener = createOpener(endpoint, undefined, bed.context);
    expect(await codeOf(opener.open(null))).toBe("connect.failed");
    opener.close();
    expect(bed.kept("tcp_")).toEqual([]);
  });
});
