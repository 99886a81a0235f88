import type { Service } from "../../schemas/kube.ts";
import { serviceOpaquePorts } from "./annotations.ts";
import type { State } from "./fold.ts";
import { includesPort } from "./ports.ts";
import { servicePort } from "./services.ts";

/** What is spoken on a Service's port, as far as its authors say. */
export type DeclaredProtocol = "http1" | "http2" | "opaque" | "detect";

/**
 * What is spoken on a port: as its `appProtocol` says, else opaque where an annotation or the mesh's list says so,
 * else to be detected. A Service that is not known is judged by the mesh's list.
 */
export function declaredProtocol(
  service: Service | undefined,
  port: number,
  state: State,
): DeclaredProtocol {
  const app = service && servicePort(service, port)?.appProtocol;
  switch (app?.toLowerCase()) {
    case undefined:
      break;
    case "http":
      return "http1";
    case "kubernetes.io/h2c":
      return "http2";
    default:
      // `linkerd.io/opaque` and `linkerd.io/tcp`; and what we cannot parse (TLS, WebSocket, ...) is passed on as it is.
      return "opaque";
  }
  const ranges = (service && serviceOpaquePorts(service, state)) ??
    state.settings.defaultOpaquePorts;
  return includesPort(ranges, port) ? "opaque" : "detect";
}
