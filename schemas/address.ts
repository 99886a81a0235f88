import { Problem } from "./problem.ts";

/** An IP address and a TCP port; `ip` is in canonical text form, IPv6 without brackets. */
export interface SocketAddress {
  readonly ip: string;
  readonly port: number;
}

/** A network in CIDR form, ready to be matched. */
export interface Network {
  readonly base: Uint8Array;
  readonly prefixBits: number;
}

/** A host (name or IP) and a port, as in an authority. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Four or sixteen bytes of an IP address, or null when the text is none. */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes[index] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | null {
  const lastColon = text.lastIndexOf(":");
  const tail = text.slice(lastColon + 1);
  if (tail.includes(".")) {
    const v4 = parseIpv4(tail);
    if (v4 === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = v4;
    const groups = `${((a << 8) | b).toString(16)}:${
      ((c << 8) | d).toString(16)
    }`;
    return parseIpv6(text.slice(0, lastColon + 1) + groups);
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const read = (half: string | undefined): string[] =>
    half === undefined || half === "" ? [] : half.split(":");
  const head = read(halves[0]);
  const rest = read(halves[1]);
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...Array<string>(missing).fill("0"), ...rest];
  const bytes = new Uint8Array(16);
  for (const [index, group] of groups.entries()) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes[2 * index] = value >> 8;
    bytes[2 * index + 1] = value & 0xff;
  }
  return bytes;
}

/** Canonical text of four or sixteen address bytes (RFC 5952 for IPv6). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  }
  let best = { from: -1, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.from < 0) return hex.join(":");
  return `${hex.slice(0, best.from).join(":")}::${
    hex.slice(best.from + best.length).join(":")
  }`;
}

/** `ip:port`, with brackets around IPv6. */
export function formatAddress(address: SocketAddress): string {
  return address.ip.includes(":")
    ? `[${address.ip}]:${address.port}`
    : `${address.ip}:${address.port}`;
}

/** Host and port of `host:port`, `[v6]:port` or `host` when a default port is given; null when malformed. */
export function parseHostPort(
  text: string,
  defaultPort?: number,
): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^:\[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || port === undefined || port < 1 || port > 65535) {
    return null;
  }
  return { host, port };
}

/** A socket address of `1.2.3.4:80` or `[::1]:80`; throws `config.invalid`. */
export function parseAddress(text: string): SocketAddress {
  const parts = parseHostPort(text);
  const bytes = parts === null ? null : parseIp(parts.host);
  if (parts === null || bytes === null) {
    throw new Problem(
      "config.invalid",
      `Cannot read address "${text}": expected ip:port, such as 127.0.0.1:4140`,
    );
  }
  return { ip: formatIp(bytes), port: parts.port };
}

/** A network of `10.0.0.0/8`, or of a bare IP meaning just that address; throws `config.invalid`. */
export function parseNetwork(text: string): Network {
  const [ip = "", bits, more] = text.split("/");
  const base = parseIp(ip);
  const prefixBits = bits === undefined
    ? (base?.length ?? 0) * 8
    : /^\d{1,3}$/.test(bits)
    ? Number(bits)
    : -1;
  if (
    base === null || more !== undefined || prefixBits < 0 ||
    prefixBits > base.length * 8
  ) {
    throw new Problem(
      "config.invalid",
      `Cannot read network "${text}": expected CIDR notation, such as 10.0.0.0/8`,
    );
  }
  return { base, prefixBits };
}

/** Whether the network holds the address; families never match each other. */
export function contains(network: Network, ip: Uint8Array): boolean {
  if (ip.length !== network.base.length) return false;
  const whole = network.prefixBits >> 3;
  for (let at = 0; at < whole; at++) {
    if (ip[at] !== network.base[at]) return false;
  }
  const rest = network.prefixBits & 7;
  if (rest === 0) return true;
  const mask = 0xff & (0xff << (8 - rest));
  return ((ip[whole] ?? 0) & mask) === ((network.base[whole] ?? 0) & mask);
}
