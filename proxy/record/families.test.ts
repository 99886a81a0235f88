import { describe, expect, test } from "bun:test";
import { recordProcess } from "../process.ts";
import { countOne, createRegistry } from "../record.ts";
import { balancerSeries } from "./balancer.ts";
import { classify } from "./classify.ts";
import { controlAddressLabel, controlLabels, dnsLabels } from "./control.ts";
import { detectResult } from "./detect.ts";
import { createFamilies } from "./families.ts";
import { HttpRecorder } from "./http.ts";
import { violationLabels } from "./http2.ts";
import {
  inboundAuthzLabels,
  inboundHttpErrorLabels,
  inboundLimitLabels,
  inboundRouteLabels,
  inboundTcpErrorLabels,
  transportHeaderLabels,
} from "./inbound.ts";
import {
  backendLabels,
  joinLabels,
  parentLabels,
  serverLabels,
} from "./labels.ts";
import {
  outboundErrorLabels,
  outboundProtocolLabels,
  tcpBalancerLabels,
  tlsBalancerLabels,
} from "./outbound.ts";
import {
  outboundBackendLabels,
  outboundRouteLabels,
  routeStatus,
} from "./outbound-routes.ts";
import { profileRouteLabels, skippedLabel } from "./profile.ts";
import { TcpRecorder } from "./tcp.ts";
import { recordDroppedTapEvents } from "./tap.ts";
import { tcpRouteLabels, tlsRouteLabels } from "./tcp-routes.ts";
import { recordExports } from "./trace.ts";
import {
  authz,
  client,
  defaultRoute,
  endpoint,
  route,
  server,
  service,
  target,
} from "./testing/names.ts";
import {
  INBOUND_DESTINATION_LABELS,
  inboundLabels,
  inboundSourceLabels,
  outboundDestinationLabels,
  outboundLabels,
  outboundSourceLabels,
} from "./traffic.ts";
import { pageOf } from "./testing/page.ts";
import { knownVocabulary, vocabularyOf } from "./testing/vocabulary.ts";

/** Something in every family, so that the whole vocabulary is on the page. */
function busyPage(): string {
  const registry = createRegistry({ retainIdleMs: 600_000 });
  const families = createFamilies(registry);
  recordProcess(registry, {
    version: "0.1.0",
    gitSha: "0000000",
    date: "2026-08-01T00:00:00Z",
    profile: "release",
    vendor: "",
  });
  const { http, tcp, inbound, outbound, control } = families;
  const accepted = { kind: "accepted", clientId: client } as const;
  const dialled = { kind: "dialled", serverId: client } as const;
  const to = {
    authority: 'a "quoted" \\ name\n',
    target,
    tls: dialled,
    labels: endpoint.labels,
  };
  /** Dialled as it is: nobody's Service. */
  const address = { target, tls: dialled, labels: {} };
  const from = { target, tls: accepted, server, route, authz };
  const complete = classify({
    grpc: true,
    status: 200,
    grpcStatus: "0",
    error: null,
  });
  for (
    const recorder of [
      new HttpRecorder(http, inboundLabels(from)),
      new HttpRecorder(http, inboundLabels({ ...from, authority: "web" })),
      new HttpRecorder(http, outboundLabels(to)),
      new HttpRecorder(http, outboundLabels(address)),
      new HttpRecorder(control.http, controlLabels("policy:8090", dialled)),
    ]
  ) {
    recorder.requests.value += 1;
    recorder.latency(200).observe(3);
    recorder.response(200, complete);
  }
  for (
    const labels of [
      inboundSourceLabels(from),
      INBOUND_DESTINATION_LABELS,
      outboundSourceLabels(target),
      outboundDestinationLabels(to),
      outboundDestinationLabels(address),
    ]
  ) {
    const recorder = new TcpRecorder(tcp, labels);
    recorder.opened();
    recorder.closed("EPIPE");
  }
  const routed = profileRouteLabels("outbound", "web.shop:80", {
    route: "GET /",
  });
  const { profile } = outbound;
  for (const family of [profile.route, profile.actual]) {
    const recorder = new HttpRecorder(family, routed);
    recorder.requests.value += 1;
    recorder.response(200, complete);
    if (family === profile.route) recorder.latency(200).observe(3);
  }
  countOne(profile.retryable, joinLabels(routed, skippedLabel("no_budget")));
  const decision = { target, server, tls: accepted };
  countOne(
    inbound.httpAllowed,
    inboundAuthzLabels({ ...decision, route, authz }),
  );
  countOne(inbound.httpDenied, inboundAuthzLabels({ ...decision, route }));
  countOne(inbound.tcpAllowed, inboundAuthzLabels({ ...decision, authz }));
  for (
    const family of [
      inbound.tcpDenied,
      inbound.tcpTerminated,
      inbound.routesNotFound,
    ]
  ) countOne(family, inboundAuthzLabels(decision));
  countOne(inbound.limited, inboundLimitLabels(decision, authz, "total"));
  countOne(
    inbound.httpErrors,
    inboundHttpErrorLabels("failfast", target, server),
  );
  countOne(
    inbound.tcpErrors,
    inboundTcpErrorLabels("tls detection timeout", target),
  );
  const srv = serverLabels(server, 8080);
  inbound.detect.seconds.with(srv).observe(0.01);
  countOne(inbound.detect.results, joinLabels(detectResult("http/1"), srv));
  countOne(
    inbound.transportHeaders,
    transportHeaderLabels({
      sessionProtocol: "http/2",
      port: 8080,
      name: "",
      clientId: client,
    }),
  );
  const parent = parentLabels(service);
  countOne(outbound.protocols, outboundProtocolLabels("detect", service));
  outbound.detect.seconds.with(parent).observe(0.01);
  countOne(
    outbound.detect.results,
    joinLabels(detectResult("not_http"), parent),
  );
  countOne(outbound.httpErrors, outboundErrorLabels("failfast", null));
  countOne(outbound.tcpErrors, outboundErrorLabels("i/o", target));
  const opaque = tcpRouteLabels(service, defaultRoute, target);
  countOne(outbound.tcpRoutes.opened, opaque);
  countOne(outbound.tcpRoutes.closed, joinLabels(opaque, `error=""`));
  const passedOn = tlsRouteLabels(service, defaultRoute, "db.example.org");
  countOne(outbound.tlsRoutes.opened, passedOn);
  countOne(outbound.tlsRoutes.closed, joinLabels(passedOn, `error=""`));
  for (const protocol of ["http", "grpc"] as const) {
    const labels = inboundRouteLabels(server, 8080, route);
    const received = inbound[protocol];
    countOne(received.requests, labels);
    countOne(received.statuses, joinLabels(labels, `status="200"`));
    received.requestSeconds.with(labels).observe(0.2);
    received.responseSeconds.with(labels).observe(0.2);
    received.requestFrameBytes.with(labels).observe(200);
    received.responseFrameBytes.with(labels).observe(200);
    const sent = outbound[protocol];
    const routed = outboundRouteLabels(service, defaultRoute, "");
    const backend = outboundBackendLabels(service, defaultRoute, service);
    const status = routeStatus(protocol, "200", "");
    sent.requestSeconds.with(routed).observe(0.2);
    sent.requestFrameBytes.with(routed).observe(200);
    countOne(sent.requestStatuses, joinLabels(routed, status));
    for (const retry of Object.values(sent.retries)) countOne(retry, routed);
    countOne(sent.backendRequests, backend);
    sent.backendSeconds.with(backend).observe(0.2);
    sent.backendFrameBytes.with(backend).observe(200);
    countOne(sent.backendStatuses, joinLabels(backend, status));
  }
  balancerSeries(
    outbound.httpBalancer,
    joinLabels(parent, backendLabels(service)),
  ).queueSeconds.observe(0.1);
  balancerSeries(outbound.tcpBalancer, tcpBalancerLabels("a:1", "a:1"));
  balancerSeries(outbound.tlsBalancer, tlsBalancerLabels("a:1"));
  balancerSeries(control.identityBalancer, controlAddressLabel("id:8080"));
  balancerSeries(control.destinationBalancer, controlAddressLabel("dst:8086"));
  balancerSeries(control.policyBalancer, controlAddressLabel("policy:8090"));
  balancerSeries(control.collectorBalancer, controlAddressLabel("otel:4317"));
  countOne(control.dnsResolutions, dnsLabels("policy", "A/AAAA", "ok"));
  countOne(
    families.http2Violations,
    violationLabels("inbound src", "emptyData"),
  );
  const exports = recordExports(families.trace);
  exports.connected();
  exports.requested();
  exports.exported(1);
  exports.dropped(1, "refused");
  recordDroppedTapEvents(families.tapDropped)(1);
  tcp.opened.overflow();
  return pageOf(registry, 0);
}

/** What Prometheus' own linter says of a page, one line each; empty means that it has nothing to say. */
async function promtool(
  page: string,
): Promise<{ readonly exitCode: number; readonly lines: string[] }> {
  const check = Bun.spawn(["promtool", "check", "metrics"], {
    stdin: new Blob([page]),
    stderr: "pipe",
  });
  const stderr = await new Response(check.stderr).text();
  const lines = stderr.split("\n").filter((line) => line !== "");
  return { exitCode: await check.exited, lines };
}

describe("the metrics page", () => {
  test("is read by Prometheus' parser, which objects to nothing but Linkerd's names", async () => {
    const { lines } = await promtool(busyPage());
    expect(lines.toSorted()).toEqual(INHERITED);
  });

  test("would not pass with a broken label", async () => {
    const { exitCode, lines } = await promtool('a_total{x="un"quoted"} 1\n');
    expect(exitCode).toBe(1);
    expect(lines.join()).toContain("error while linting");
  });

  test("has every family, under the name and with the labels that Linkerd's users know", async () => {
    expect(vocabularyOf(busyPage())).toEqual(await knownVocabulary());
  });
});

test("violationLabels() says whose connection it was, and why it ended", () => {
  expect(violationLabels("outbound dst", "flowControl")).toBe(
    'direction="outbound",peer="dst",reason="flow_control"',
  );
});

/** Names that Linkerd's users know and that the linter would have chosen otherwise. */
const INHERITED: string[] = [
  "control_response_latency_ms metric names should not contain abbreviated units",
  'opentelemetry_span_export_requests counter metrics should have "_total" suffix',
  'opentelemetry_span_export_streams counter metrics should have "_total" suffix',
  'opentelemetry_span_exports counter metrics should have "_total" suffix',
  "response_latency_ms metric names should not contain abbreviated units",
  "route_response_latency_ms metric names should not contain abbreviated units",
];
