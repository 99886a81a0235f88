import type { TrafficSpec } from "../../../schemas/proto/gen/outbound_pb.ts";
import type { ClientPolicyQuery, WorkloadName } from "../../views.ts";
import { fromTcpAddress } from "../destination/address.ts";
import { parseAuthority } from "../destination/authority.ts";

/** What a proxy wants to call: null when there can be no such thing, `invalid` when it cannot be read. */
export function parseTarget(
  target: TrafficSpec["target"],
  clientNamespace: string | null,
  clusterDomain: string,
): ClientPolicyQuery | "invalid" | null {
  switch (target.case) {
    case "addr": {
      const address = fromTcpAddress(target.value);
      return address === null
        ? "invalid"
        : { kind: "address", ...address, clientNamespace };
    }
    case "authority":
      return parseName(target.value, clientNamespace, clusterDomain);
    case undefined:
      return "invalid";
  }
}

/** A Service's name with or without the cluster domain and a trailing dot. */
function parseName(
  text: string,
  clientNamespace: string | null,
  clusterDomain: string,
): ClientPolicyQuery | null {
  const [, host = "", port = ""] = /^(.*?)(:\d+)?$/.exec(text) ?? [];
  const name = host.replace(/\.$/, "");
  const full = name.endsWith(".svc") ? `${name}.${clusterDomain}` : name;
  const authority = parseAuthority(full + port, clusterDomain);
  const isNamed = authority.kind === "service" || authority.kind === "import";
  if (!isNamed || authority.hostname !== null) return null;
  const { kind, service, port: number } = authority;
  return { kind, service, port: number, clientNamespace };
}

/** The namespace of whoever asks, which is all that routes depend on; null when it does not say. */
export function parseWorkloadNamespace(text: string): string | null {
  if (!text.startsWith("{")) return text.split(":", 1)[0] || null;
  try {
    const { ns } = JSON.parse(text);
    return typeof ns === "string" && ns !== "" ? ns : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

/** The workload of `<namespace>:<pod>` or of JSON; `invalid` when it cannot be read. */
export function parseWorkload(text: string): WorkloadName | "invalid" {
  if (!text.startsWith("{")) {
    const [namespace = "", name = "", more] = text.split(":");
    const isName = namespace !== "" && name !== "" && more === undefined;
    return isName ? { pod: { namespace, name } } : "invalid";
  }
  try {
    const { ns, pod, external_workload: external } = JSON.parse(text);
    if (typeof ns !== "string" || ns === "") return "invalid";
    if (typeof external === "string" && external !== "") {
      return { external: { namespace: ns, name: external } };
    }
    return typeof pod === "string" && pod !== ""
      ? { pod: { namespace: ns, name: pod } }
      : "invalid";
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return "invalid";
    throw thrown;
  }
}
