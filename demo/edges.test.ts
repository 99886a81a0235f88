import { expect, test } from "bun:test";
import { aggregateEdges, quantile } from "./edges.ts";
import { parseMetrics, since } from "./metrics.ts";

const WEB = "web.shop.serviceaccount.identity.linkerd.cluster.local";
const CATALOG = "catalog.shop.serviceaccount.identity.linkerd.cluster.local";

const TO_CATALOG =
  `direction="outbound",authority="catalog:8080",target_addr="10.42.0.9:8080",tls="true",server_id="${CATALOG}",dst_pod="catalog-1"`;
const TO_CART =
  `direction="outbound",peer="dst",target_addr="10.42.0.7:6379",tls="true",server_id="cart.shop",dst_pod="cart"`;
const TO_LEGACY =
  `direction="outbound",target_addr="10.42.0.6:8080",tls="no_identity",no_tls_reason="not_provided_by_service_discovery",dst_pod="legacy"`;

const WEB_PAGE = `# HELP response_total Responses
# TYPE response_total counter
response_total{${TO_CATALOG},status_code="200",classification="success",grpc_status="",error=""} 95
response_total{${TO_CATALOG},status_code="500",classification="failure",grpc_status="",error=""} 5
response_latency_ms_bucket{${TO_CATALOG},status_code="200",le="1"} 50
response_latency_ms_bucket{${TO_CATALOG},status_code="200",le="2"} 90
response_latency_ms_bucket{${TO_CATALOG},status_code="200",le="+Inf"} 100
response_total{${TO_LEGACY},status_code="200",classification="success",grpc_status="",error=""} 100
tcp_open_total{direction="outbound",peer="src",target_addr="10.42.0.7:6379",tls="no_identity",no_tls_reason="loopback"} 4
tcp_open_total{${TO_CART}} 4
tcp_close_total{${TO_CART},errno=""} 2
tcp_close_total{${TO_CART},errno="ECONNRESET"} 1
# EOF
`;

const CATALOG_PAGE = `
response_total{direction="inbound",target_addr="10.42.0.9:8080",tls="true",client_id="${WEB}",status_code="200",classification="success",grpc_status="",error=""} 100
response_total{direction="inbound",target_addr="10.42.0.9:8080",tls="no_identity",no_tls_reason="no_tls_from_remote",status_code="200",classification="success",grpc_status="",error=""} 7
`;

const EDGES = aggregateEdges([
  { pod: "web", identity: WEB, samples: parseMetrics(WEB_PAGE) },
  { pod: "catalog-1", identity: CATALOG, samples: parseMetrics(CATALOG_PAGE) },
]);
const find = (src: string, dst: string) =>
  EDGES.find((edge) => edge.src === src && edge.dst === dst);

test("a secured HTTP edge has the figures of its source and identities verified at both ends", () => {
  expect(find("web", "catalog-1")).toEqual({
    src: "web",
    dst: "catalog-1",
    protocol: "http",
    secured: true,
    tls: "TLSv1.3",
    clientId: WEB,
    serverId: CATALOG,
    requests: 100,
    denied: 0,
    successRate: 0.95,
    p50Ms: 1,
    p95Ms: 2,
    p99Ms: 2,
  });
});

test("calls to a pod outside the mesh are not secured", () => {
  expect(find("web", "legacy")).toMatchObject({
    secured: false,
    tls: null,
    clientId: null,
    serverId: null,
    requests: 100,
  });
});

test("calls from outside the mesh are seen at the destination, without a name", () => {
  expect(find("unmeshed", "catalog-1")).toMatchObject({
    secured: false,
    requests: 7,
  });
});

test("an opaque edge counts connections and those that broke, and has no latencies", () => {
  expect(find("web", "cart")).toMatchObject({
    protocol: "tcp",
    requests: 4,
    successRate: 0.75,
    p50Ms: null,
  });
});

test("what a destination's policy denies is no success", () => {
  const answers =
    `response_total{${TO_CATALOG},status_code="200",classification="success",grpc_status="",error=""} 6
response_total{${TO_CATALOG},status_code="403",classification="success",grpc_status="",error=""} 4`;
  const denials =
    `inbound_http_authz_deny_total{target_addr="10.42.0.9:8080",tls="true",client_id="${WEB}"} 4
inbound_http_authz_deny_total{target_addr="10.42.0.9:8080",tls="true",client_id="another"} 9
inbound_tcp_authz_deny_total{target_addr="10.42.0.9:8080",tls="no_identity"} 9`;
  const [edge] = aggregateEdges([
    { pod: "web", identity: WEB, samples: parseMetrics(answers) },
    { pod: "catalog-1", identity: CATALOG, samples: parseMetrics(denials) },
  ]);
  expect(edge).toMatchObject({ requests: 10, denied: 4, successRate: 0.6 });
});

test("there is one edge for each pair, and none of the proxy with its own application", () => {
  expect(EDGES).toHaveLength(4);
});

test("a client's identity that its server does not confirm is not shown", () => {
  const [edge] = aggregateEdges([
    { pod: "web", identity: WEB, samples: parseMetrics(WEB_PAGE) },
    { pod: "catalog-1", identity: CATALOG, samples: [] },
  ]).filter(({ dst }) => dst === "catalog-1");
  expect(edge?.clientId).toBeNull();
});

test("gRPC is told by the status of its responses", () => {
  const page =
    `response_total{${TO_CATALOG},status_code="200",classification="success",grpc_status="0",error=""} 1`;
  const [edge] = aggregateEdges([
    { pod: "web", identity: WEB, samples: parseMetrics(page) },
  ]);
  expect(edge?.protocol).toBe("grpc");
});

test("parseMetrics() unescapes labels and reads infinities", () => {
  expect(parseMetrics(`a{b="x\\"y\\\\z\\n",le="+Inf"} +Inf\nc 1.5\n# d 1\n`))
    .toEqual([
      { name: "a", labels: { b: 'x"y\\z\n', le: "+Inf" }, value: Infinity },
      { name: "c", labels: {}, value: 1.5 },
    ]);
});

test("since() gives growth, whole values of new series and of processes that began anew", () => {
  const before = parseMetrics(`a{x="1"} 10\na{x="2"} 10`);
  const now = parseMetrics(`a{x="1"} 15\na{x="2"} 3\na{x="3"} 4`);
  expect(since(now, before).map(({ value }) => value)).toEqual([5, 3, 4]);
});

test("quantile() spreads evenly within a bucket and stops at the last finite bound", () => {
  const buckets = parseMetrics(
    `h{le="10"} 0\nh{le="20"} 100\nh{le="+Inf"} 200`,
  );
  expect(quantile(buckets, 0.25)).toBe(15);
  expect(quantile(buckets, 0.99)).toBe(20);
  expect(quantile([], 0.5)).toBeNull();
});
