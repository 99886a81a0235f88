import { expect, test } from "bun:test";
import {
  type Endpoint,
  endpointsJson,
  endpointsTable,
} from "./endpoint-table.ts";

function endpoint(ip: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    namespace: "shop",
    ip,
    port: 8080,
    pod: "web-1",
    service: "web.shop",
    weight: 10_000,
    labels: { zone: "b", pod: "web-1" },
    ...more,
  };
}

test("a table per namespace, sorted, without trailing blanks", () => {
  const table = endpointsTable([
    endpoint("10.1.0.20"),
    endpoint("10.1.0.3", { pod: "web-with-a-long-name" }),
    endpoint("fd00::1", { namespace: "bank", service: "db.bank", port: 80 }),
  ]);
  expect(table).toBe(`\
NAMESPACE   IP        PORT   POD     SERVICE
bank        fd00::1   80     web-1   db.bank

NAMESPACE   IP          PORT   POD                    SERVICE
shop        10.1.0.3    8080   web-with-a-long-name   web.shop
shop        10.1.0.20   8080   web-1                  web.shop
`);
});

test("JSON has the fields of Linkerd in its order, and HTTP/2 settings where there are some", () => {
  const http2 = { keep_alive: { while_idle: true } };
  expect(endpointsJson([endpoint("10.1.0.3", { http2 })])).toBe(`\
[
  {
    "namespace": "shop",
    "ip": "10.1.0.3",
    "port": 8080,
    "pod": "web-1",
    "service": "web.shop",
    "weight": 10000,
    "http2": {
      "keep_alive": {
        "while_idle": true
      }
    },
    "labels": {
      "pod": "web-1",
      "zone": "b"
    }
  }
]
`);
  expect(endpointsJson([])).toBe("[]\n");
});
