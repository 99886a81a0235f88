import type { Graph, Line, Page } from "./dashboard.ts";
import { rate, total } from "./queries.ts";

function graph(title: string, unit: string, ...lines: readonly Line[]): Graph {
  return { title, unit, lines };
}

/** As a PodMonitor calls them, or a scrape configuration. */
const PROXY = `job=~"(.+/)?linkerd-proxy"`;
const CONTROLLER = `job=~"(.+/)?linkerd-controller"`;

/** Whether the proxies and the control plane are well. */
export const HEALTH: Page = {
  uid: "health",
  title: "Health",
  description: "Proxies, what they tell of the control plane, and itself.",
  variables: [],
  sections: [
    {
      title: "Proxies",
      graphs: [
        graph("Proxies by version", "short", {
          expr: `count(proxy_build_info) by (version)`,
          legend: "{{version}}",
        }),
        graph("Memory, largest and in the middle", "bytes", {
          expr: `max(process_resident_memory_bytes{${PROXY}})`,
          legend: "largest",
        }, {
          expr: `quantile(0.5, process_resident_memory_bytes{${PROXY}})`,
          legend: "in the middle",
        }),
        graph("CPU of all proxies", "short", {
          expr: rate("process_cpu_seconds_total", PROXY),
          legend: "cores",
        }),
        graph("File descriptors, share of the limit", "percentunit", {
          expr: "max(process_open_fds / process_max_fds)",
          legend: "largest",
        }),
        graph(
          "Failures in proxies per second",
          "reqps",
          ...[
            "inbound_http_errors_total",
            "inbound_tcp_errors_total",
            "outbound_http_errors_total",
            "outbound_tcp_errors_total",
          ].map((metric) => ({
            expr: rate(metric, "", ["error"]),
            legend: `${metric.split("_").slice(0, 2).join(" ")}: {{error}}`,
          })),
        ),
        graph("Label sets without room per second", "short", {
          expr: rate("proxy_metrics_overflow_total", "", ["metric"]),
          legend: "{{metric}}",
        }),
      ],
    },
    {
      title: "Identity",
      graphs: [
        graph("Until the next certificate expires", "s", {
          expr:
            "min(control_identity_cert_expiration_timestamp_seconds > 0) - time()",
          legend: "first proxy",
        }),
        graph("Certificates asked for per second", "short", {
          expr: rate("control_identity_cert_refreshes_total", "", ["result"]),
          legend: "{{result}}",
        }),
        graph("Until the issuer expires", "s", {
          expr: "min(issuer_cert_ttl_seconds)",
          legend: "issuer",
        }),
      ],
    },
    {
      title: "The control plane, as proxies find it",
      graphs: [
        graph("Calls that failed, share", "percentunit", {
          expr: `${
            rate("control_response_total", `classification="failure"`, ["addr"])
          } / ${rate("control_response_total", "", ["addr"])}`,
          legend: "{{addr}}",
        }),
        graph("Calls per second", "reqps", {
          expr: rate("control_request_total", "", ["addr"]),
          legend: "{{addr}}",
        }),
        graph(
          "Proxies without a connection",
          "short",
          ...["destination", "identity", "policy"].map((name) => ({
            expr:
              `count(sum(control_${name}_balancer_endpoints{endpoint_state="ready"}) by (namespace, pod) == 0)`,
            legend: name,
          })),
        ),
      ],
    },
    {
      title: "The control plane itself",
      graphs: [
        graph("Streams open", "short", {
          expr: total("grpc_server_open_streams", "", ["grpc_method"]),
          legend: "{{grpc_method}}",
        }),
        graph("Calls per second", "reqps", {
          expr: rate("grpc_server_started_total", "", ["grpc_method"]),
          legend: "{{grpc_method}}",
        }),
        graph("Calls that ended badly per second", "reqps", {
          expr: rate(
            "grpc_server_handled_total",
            `grpc_code!="OK"`,
            ["grpc_method", "grpc_code"],
          ),
          legend: "{{grpc_method}} {{grpc_code}}",
        }),
        graph("Objects known", "short", {
          expr: "max(world_size) by (of)",
          legend: "{{of}}",
        }),
        graph("Memory", "bytes", {
          expr:
            `max(process_resident_memory_bytes{${CONTROLLER}}) by (component, pod)`,
          legend: "{{component}} {{pod}}",
        }),
      ],
    },
  ],
};
