import type { Registry } from "../record.ts";
import { formatLabels } from "./labels.ts";
import type { TcpFamilies } from "./traffic.ts";

/** What the control plane says of an endpoint's zone, as metrics spell it. */
const LOCALITIES = {
  unknown: "Unknown",
  local: "Local",
  remote: "Remote",
} as const;

/**
 * Declares `outbound_tcp_transfer_cost_bytes_total`: bytes exchanged with endpoints, by whether they are in another zone,
 * which clouds charge for. Added up whenever the page is printed, so that connections count their bytes once only.
 */
export function recordTransfer(registry: Registry, tcp: TcpFamilies): void {
  const bytes = registry.counter(
    "outbound_tcp_transfer_cost_bytes_total",
    "Bytes exchanged with endpoints, by where they are",
  );
  const addUp = (op: "Send" | "Recv") => (labels: string, by: number) => {
    if (!labels.startsWith(ENDPOINT)) return;
    const [, zone] = LOCALITY.exec(labels) ?? [];
    const locality = isLocality(zone) ? LOCALITIES[zone] : "Unknown";
    bytes.with(formatLabels([["op", op], ["zone_locality", locality]]))
      .value += by;
  };
  tcp.writeBytes.whenGrown(addUp("Send"));
  tcp.readBytes.whenGrown(addUp("Recv"));
}

const ENDPOINT = `direction="outbound",peer="dst",`;
const LOCALITY = /,dst_zone_locality="(\w+)"/;

function isLocality(zone = ""): zone is keyof typeof LOCALITIES {
  return Object.hasOwn(LOCALITIES, zone);
}
