import { create } from "@bufbuild/protobuf";
import {
  formatIp,
  parseIp,
  type SocketAddress,
} from "../../../schemas/address.ts";
import {
  type IPAddress,
  IPAddressSchema,
  type TcpAddress,
  TcpAddressSchema,
} from "../../../schemas/proto/gen/net_pb.ts";

/** The message of an address: IPv4 as one number, IPv6 as two, both in network order. */
export function toTcpAddress({ ip, port }: SocketAddress): TcpAddress {
  return create(TcpAddressSchema, { ip: toIpAddress(parseIp(ip)), port });
}

/** The message of four or sixteen address bytes; of none, an address that is not set. */
export function toIpAddress(bytes: Uint8Array | null): IPAddress {
  if (bytes === null) return create(IPAddressSchema);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return create(IPAddressSchema, {
    ip: bytes.length === 4 ? { case: "ipv4", value: view.getUint32(0) } : {
      case: "ipv6",
      value: { first: view.getBigUint64(0), last: view.getBigUint64(8) },
    },
  });
}

/** The address of a message; null when its IP is not set or its port is none. */
export function fromTcpAddress(
  { ip, port }: TcpAddress,
): SocketAddress | null {
  if (port < 1 || port > 65535) return null;
  switch (ip?.ip.case) {
    case "ipv4": {
      const view = new DataView(new ArrayBuffer(4));
      view.setUint32(0, ip.ip.value);
      return { ip: formatIp(new Uint8Array(view.buffer)), port };
    }
    case "ipv6": {
      const view = new DataView(new ArrayBuffer(16));
      view.setBigUint64(0, ip.ip.value.first);
      view.setBigUint64(8, ip.ip.value.last);
      return { ip: formatIp(new Uint8Array(view.buffer)), port };
    }
    default:
      return null;
  }
}
