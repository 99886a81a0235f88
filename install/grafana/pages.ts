import type { Graph, Page } from "./dashboard.ts";
import { HEALTH } from "./health.ts";
import { choice, golden, rate, tcp, total, words } from "./queries.ts";

const NAMESPACE = choice(
  "namespace",
  "Namespace",
  `response_total, namespace`,
);
/** Labels that proxies' metrics have for what pods belong to. */
const KINDS = words("kind", "Kind", [
  "deployment",
  "statefulset",
  "daemonset",
  "k8s_job",
  "cronjob",
  "replicaset",
  "replicationcontroller",
]);

function figure(title: string, unit: string, expr: string): Graph {
  return { title, unit, figure: true, lines: [{ expr, legend: "" }] };
}

const IN = `direction="inbound"`;
const OUT = `direction="outbound"`;

const TOP_LINE: Page = {
  uid: "top-line",
  title: "Top line",
  description: "All of the mesh, by namespace.",
  variables: [],
  sections: [
    {
      title: "All of the mesh",
      graphs: [
        figure(
          "Success rate",
          "percentunit",
          `${rate("response_total", `${IN}, classification="success"`)} / ${
            rate("response_total", IN)
          }`,
        ),
        figure("Requests per second", "reqps", rate("response_total", IN)),
        figure(
          "Over mutual TLS",
          "percentunit",
          `${rate("response_total", `${IN}, tls="true"`)} / ${
            rate("response_total", IN)
          }`,
        ),
        figure("Proxies", "short", "count(process_start_time_seconds)"),
        figure(
          "Namespaces with traffic",
          "short",
          `count(${rate("response_total", IN, ["namespace"])})`,
        ),
        figure(
          "TCP connections open",
          "short",
          total("tcp_open_connections", `${IN}, peer="src"`),
        ),
      ],
    },
    { title: "Namespaces", graphs: golden(IN, ["namespace"]) },
    { title: "TCP", graphs: tcp(`${IN}, peer="src"`, ["namespace"]) },
  ],
};

const IN_NAMESPACE = `namespace="$namespace"`;

const NAMESPACES: Page = {
  uid: "namespace",
  title: "Namespace",
  description: "One namespace, by workload.",
  variables: [NAMESPACE, KINDS],
  sections: [
    {
      title: "All of $namespace",
      graphs: golden(`${IN}, ${IN_NAMESPACE}`),
    },
    {
      title: "What each $kind is asked",
      graphs: golden(`${IN}, ${IN_NAMESPACE}, $kind!=""`, ["$kind"]),
    },
    {
      title: "TCP",
      graphs: tcp(`${IN}, peer="src", ${IN_NAMESPACE}, $kind!=""`, ["$kind"]),
    },
  ],
};

const WORKLOAD = `${IN_NAMESPACE}, $kind="$workload"`;

const WORKLOADS: Page = {
  uid: "workload",
  title: "Workload",
  description: "A Deployment or its like: what it is asked, and what it asks.",
  variables: [
    NAMESPACE,
    KINDS,
    choice(
      "workload",
      "Workload",
      'response_total{namespace="$namespace"}, $kind',
    ),
  ],
  sections: [
    {
      title: "What $workload is asked",
      graphs: golden(`${IN}, ${WORKLOAD}`),
    },
    {
      title: "By pod",
      graphs: golden(`${IN}, ${WORKLOAD}`, ["pod"]),
    },
    {
      title: "By client",
      graphs: golden(`${IN}, ${WORKLOAD}`, ["client_id"]),
    },
    {
      title: "What $workload asks of others",
      graphs: golden(`${OUT}, ${WORKLOAD}`, ["dst_service", "dst_namespace"]),
    },
    {
      title: "TCP",
      graphs: tcp(`${IN}, peer="src", ${WORKLOAD}`),
    },
  ],
};

const POD = `${IN_NAMESPACE}, pod="$pod"`;

const PODS: Page = {
  uid: "pod",
  title: "Pod",
  description: "One pod, and its proxy.",
  variables: [
    NAMESPACE,
    choice("pod", "Pod", 'response_total{namespace="$namespace"}, pod'),
  ],
  sections: [
    { title: "What it is asked", graphs: golden(`${IN}, ${POD}`) },
    {
      title: "What it asks of others",
      graphs: golden(`${OUT}, ${POD}`, ["authority"]),
    },
    {
      title: "TCP, from its clients and to others",
      graphs: [
        ...tcp(`${IN}, peer="src", ${POD}`),
        ...tcp(`${OUT}, peer="dst", ${POD}`),
      ],
    },
    {
      title: "Its proxy",
      graphs: [
        {
          title: "Memory",
          unit: "bytes",
          lines: [{
            expr: total("process_resident_memory_bytes", POD),
            legend: "resident",
          }],
        },
        {
          title: "CPU",
          unit: "percentunit",
          lines: [{
            expr: rate("process_cpu_seconds_total", POD),
            legend: "of one core",
          }],
        },
      ],
    },
  ],
};

const SERVICE =
  `${OUT}, dst_namespace="$service_namespace", dst_service="$service"`;

const SERVICES: Page = {
  uid: "service",
  title: "Service",
  description: "A Service as its clients find it: retries and timeouts count.",
  variables: [
    choice(
      "service_namespace",
      "Namespace",
      `response_total, dst_namespace`,
    ),
    choice(
      "service",
      "Service",
      'response_total{dst_namespace="$service_namespace"}, dst_service',
    ),
  ],
  sections: [
    { title: "All clients", graphs: golden(SERVICE) },
    {
      title: "By client",
      graphs: golden(SERVICE, ["namespace", "serviceaccount"]),
    },
    { title: "By pod that answers", graphs: golden(SERVICE, ["dst_pod"]) },
    {
      title: "Balancing",
      graphs: [
        {
          title: "Endpoints",
          unit: "short",
          lines: [{
            expr:
              'sum(outbound_http_balancer_endpoints{parent_namespace="$service_namespace", parent_name="$service"}) by (endpoint_state)',
            legend: "{{endpoint_state}}",
          }],
        },
        {
          title: "Requests waiting",
          unit: "short",
          lines: [{
            expr:
              'sum(outbound_http_balancer_queue_length{parent_namespace="$service_namespace", parent_name="$service"})',
            legend: "waiting",
          }],
        },
      ],
    },
  ],
};

const ROUTED =
  'parent_namespace="$route_namespace", parent_name="$parent", parent_kind="Service"';

const ROUTES: Page = {
  uid: "route",
  title: "Route",
  description:
    "Routes to a Service, as clients take them, and routes of Servers.",
  variables: [
    choice(
      "route_namespace",
      "Namespace",
      "outbound_http_route_request_statuses_total, parent_namespace",
    ),
    choice(
      "parent",
      "Service",
      'outbound_http_route_request_statuses_total{parent_namespace="$route_namespace"}, parent_name',
    ),
  ],
  sections: [
    {
      title: "Routes to $parent",
      graphs: golden(ROUTED, ["route_kind", "route_name"], {
        responses: "outbound_http_route_request_statuses_total",
        success: `http_status=~"[1-4]..", error=""`,
        latency: "outbound_http_route_request_duration_seconds",
        unit: "s",
      }),
    },
    {
      title: "Backends of these routes",
      graphs: golden(ROUTED, ["route_name", "backend_name"], {
        responses: "outbound_http_route_backend_response_statuses_total",
        success: `http_status=~"[1-4]..", error=""`,
        latency: "outbound_http_route_backend_response_duration_seconds",
        unit: "s",
      }),
    },
    {
      title: "Retries and errors",
      graphs: [
        {
          title: "Retries per second",
          unit: "reqps",
          lines: ["requests", "successes", "limit_exceeded", "overflow"].map(
            (what) => ({
              expr: rate(`outbound_http_route_retry_${what}_total`, ROUTED),
              legend: what.replace("_", " "),
            }),
          ),
        },
        {
          title: "Requests without a status",
          unit: "reqps",
          lines: [{
            expr: rate(
              "outbound_http_route_request_statuses_total",
              `${ROUTED}, error!=""`,
              ["route_name", "error"],
            ),
            legend: "{{route_name}} {{error}}",
          }],
        },
      ],
    },
    {
      title: "Routes of ServiceProfiles",
      graphs: golden(`${OUT}, rt_route!=""`, ["dst", "rt_route"], {
        responses: "route_response_total",
        success: `classification="success"`,
        latency: "route_response_latency_ms",
        unit: "ms",
      }),
    },
    {
      title: "Routes of Servers in $route_namespace",
      graphs: [
        {
          title: "Permitted",
          unit: "reqps",
          lines: [{
            expr: rate(
              "inbound_http_authz_allow_total",
              'namespace="$route_namespace"',
              ["srv_name", "route_name", "authz_name"],
            ),
            legend: "{{srv_name}} / {{route_name}} / {{authz_name}}",
          }],
        },
        {
          title: "Denied",
          unit: "reqps",
          lines: [{
            expr: rate(
              "inbound_http_authz_deny_total",
              'namespace="$route_namespace"',
              ["srv_name", "route_name"],
            ),
            legend: "{{srv_name}} / {{route_name}}",
          }],
        },
        {
          title: "Above a rate limit",
          unit: "reqps",
          lines: [{
            expr: rate(
              "inbound_http_local_ratelimit_total",
              'namespace="$route_namespace"',
              ["srv_name", "ratelimit_name"],
            ),
            legend: "{{srv_name}} / {{ratelimit_name}}",
          }],
        },
      ],
    },
  ],
};

/** All dashboards, by the names of their files. */
export const PAGES: Readonly<Record<string, Page>> = {
  "top-line": TOP_LINE,
  namespace: NAMESPACES,
  workload: WORKLOADS,
  pod: PODS,
  service: SERVICES,
  route: ROUTES,
  health: HEALTH,
};
