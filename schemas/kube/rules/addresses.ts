import { parseIp } from "../../address.ts";
import type {
  EndpointSlice,
  ExternalWorkload,
  Pod,
  Service,
  ServiceImport,
} from "../../kube.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";

type Addressed =
  | EndpointSlice
  | Service
  | ServiceImport
  | Pod
  | ExternalWorkload;
type Found = readonly [text: string | undefined, path: FieldPath];

/** Addresses of Services, workloads and endpoints are IP addresses, where they are not to be something else. */
export function mistakesOfAddresses(object: Addressed): Mistake[] {
  return addressesOf(object).flatMap(([text, path]) =>
    !text || parseIp(text) !== null ? [] : [
      mistake(path, text, "an IP address", "write it as Kubernetes would"),
    ]
  );
}

function addressesOf(object: Addressed): Found[] {
  switch (object.kind) {
    case "EndpointSlice":
      if (object.addressType === "FQDN") return [];
      return (object.endpoints ?? []).flatMap(({ addresses }, at) =>
        addresses.map((ip, of): Found => [
          ip,
          ["endpoints", at, "addresses", of],
        ])
      );
    case "Service": {
      const { clusterIP, clusterIPs = [] } = object.spec;
      const all: Found[] = [
        [clusterIP, ["spec", "clusterIP"]],
        ...clusterIPs.map((ip, at): Found => [ip, ["spec", "clusterIPs", at]]),
      ];
      return all.filter(([ip]) => ip !== "None");
    }
    case "ServiceImport":
      return (object.spec.ips ?? []).map((ip, at) => [ip, ["spec", "ips", at]]);
    case "ExternalWorkload":
      return (object.spec.workloadIPs ?? []).map(({ ip }, at): Found => [
        ip,
        ["spec", "workloadIPs", at, "ip"],
      ]);
    case "Pod": {
      const { podIP, podIPs = [], hostIP } = object.status ?? {};
      return [
        [podIP, ["status", "podIP"]],
        [hostIP, ["status", "hostIP"]],
        ...podIPs.map(({ ip }, at): Found => [
          ip,
          ["status", "podIPs", at, "ip"],
        ]),
      ];
    }
  }
}
