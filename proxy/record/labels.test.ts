import { describe, expect, test } from "bun:test";
import { formatLabels, LABEL_VALUE_MAX } from "./labels.ts";
import {
  authz,
  client,
  endpoint,
  route,
  server,
  target,
} from "./testing/names.ts";
import {
  INBOUND_DESTINATION_LABELS,
  inboundLabels,
  inboundSourceLabels,
  outboundLabels,
} from "./traffic.ts";

describe("labels", () => {
  test("escape what would end a value or a line", () => {
    expect(formatLabels([["a", 'x"y\\z\n']])).toBe(`a="x\\"y\\\\z\\n"`);
  });

  test("are cut when a peer chose a huge value", () => {
    const text = formatLabels([["sni", "x".repeat(10_000)]]);
    expect(text).toBe(`sni="${"x".repeat(LABEL_VALUE_MAX)}..."`);
  });

  test("of inbound traffic stand in Linkerd's order", () => {
    const tls = { kind: "accepted", clientId: client } as const;
    expect(inboundLabels({ target, tls, server, route, authz })).toBe(
      `direction="inbound",target_addr="10.0.0.7:8080",target_ip="10.0.0.7",target_port="8080",` +
        `tls="true",client_id="${client}",` +
        `srv_group="policy.linkerd.io",srv_kind="server",srv_name="web",srv_port="8080",` +
        `route_group="",route_kind="default",route_name="default",` +
        `authz_group="",authz_kind="default",authz_name="all-unauthenticated"`,
    );
    expect(inboundSourceLabels({ target, tls, server })).toStartWith(
      `direction="inbound",peer="src",target_addr="10.0.0.7:8080",`,
    );
    expect(INBOUND_DESTINATION_LABELS).toBe(
      `direction="inbound",peer="dst",tls="no_identity",no_tls_reason="loopback"`,
    );
  });

  test("of outbound traffic stand in Linkerd's order, the endpoint's sorted and cleaned", () => {
    const tls = { kind: "dialled", serverId: client } as const;
    expect(
      outboundLabels({
        authority: "web.shop.svc.cluster.local:80",
        target: { ip: "fd00::7", port: 8080 },
        tls,
        labels: endpoint.labels,
      }),
    ).toBe(
      `direction="outbound",authority="web.shop.svc.cluster.local:80",` +
        `target_addr="[fd00::7]:8080",target_ip="fd00::7",target_port="8080",` +
        `tls="true",server_id="${client}",` +
        `dst_namespace="shop",dst_pod="web-1",dst_zone_name="a"`,
    );
  });

  test("say why a connection has no identity", () => {
    const none = { kind: "none", reason: "no_tls_from_remote" } as const;
    expect(inboundSourceLabels({ target, tls: none, server })).toContain(
      `tls="no_identity",no_tls_reason="no_tls_from_remote"`,
    );
    const opaque = { kind: "opaque", sni: "db.example" } as const;
    expect(inboundSourceLabels({ target, tls: opaque, server })).toContain(
      `tls="opaque",sni="db.example"`,
    );
    const unnamed = { kind: "accepted", clientId: null } as const;
    expect(inboundSourceLabels({ target, tls: unnamed, server })).toContain(
      `tls="true",client_id="",`,
    );
  });
});
