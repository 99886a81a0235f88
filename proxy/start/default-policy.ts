import type { ServerPolicy } from "../../schemas/policy.ts";
import { withProbes } from "../admin/port.ts";
import type { Config } from "../config.ts";
import { defaultServerPolicy } from "../config/policy.ts";
import { hasPort } from "../config/forms.ts";

/** Who may call a port until the control plane has said so. */
export function defaultPolicyOf(
  { admin, inbound, policy }: Config,
  port: number,
): ServerPolicy {
  const { detectTimeoutMs } = inbound;
  if (port === admin.listen.port) {
    return withProbes(
      defaultServerPolicy(policy, { detectTimeoutMs }),
      detectTimeoutMs,
    );
  }
  const opaque = hasPort(inbound.opaquePorts, port);
  return defaultServerPolicy(policy, opaque ? "opaque" : { detectTimeoutMs });
}
