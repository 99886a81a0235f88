import type { SocketAddress } from "../../schemas/address.ts";
import { dnsName, listenAddress } from "./forms.ts";
import { optional, section, type Setting } from "./setting.ts";

/** Who may see requests, and where it asks. */
export interface TapConfig {
  readonly listen: SocketAddress;
  /** The identity that may tap; null: nobody may, and nothing listens. */
  readonly client: string | null;
}

export const tap: Setting<TapConfig> = section<TapConfig>({
  listen: optional("CONTROL_LISTEN_ADDR", listenAddress, {
    ip: "0.0.0.0",
    port: 4190,
  }),
  client: optional("TAP_SVC_NAME", dnsName, null),
});
