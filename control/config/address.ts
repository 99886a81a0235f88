import { parseHostPort, parseIp } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";

/** Where to listen; without a host on all addresses, of IPv6 and IPv4. */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** An address as Go programs take it: `:8086`, `127.0.0.1:8086`, `[::1]:8086`; port 0 is any free one. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(.*):(\d{1,5})$/.exec(text);
  const hostText = match?.[1] ?? "";
  const port = Number(match?.[2]);
  const host = parseHostPort(hostText, 1)?.host;
  const known = hostText === "" ||
    (host !== undefined && parseIp(host) !== null);
  if (match === null || !known || port > 65_535) {
    throw new Problem(
      "config.invalid",
      `expected [ip]:port, such as :8086 or 127.0.0.1:8086`,
    );
  }
  return { host, port };
}
