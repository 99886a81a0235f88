import type {
  EgressNetwork,
  Service,
  ServiceImport,
} from "../../schemas/kube.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import { annotationOf, serviceOpaquePorts } from "./annotations.ts";
import { includesPort, resolvePortRanges } from "./ports.ts";
import { servicePort } from "./services.ts";
import type { State } from "./state.ts";

/** What is spoken on a Service's port, as far as its authors say. */
export type DeclaredProtocol = "http1" | "http2" | "opaque" | "detect";

/**
 * What is spoken on a port: as its `appProtocol` says, else opaque where an annotation or the mesh's list says so,
 * else to be detected. A Service that is not known is judged by the mesh's list.
 */
export function declaredProtocol(
  service: Service | ServiceImport | undefined,
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
    case "grpc":
      // It may come within TLS, so it is looked at (docs/decisions/0153).
      return "detect";
    default:
      // `linkerd.io/opaque` and `linkerd.io/tcp`; and what we cannot parse (TLS, WebSocket, ...) is passed on as it is.
      return "opaque";
  }
  const ranges = (service && serviceOpaquePorts(service, state)) ??
    state.settings.defaultOpaquePorts;
  return includesPort(ranges, port) ? "opaque" : "detect";
}

/** Whether what goes to a port of an EgressNetwork is passed on as it is. */
export function isOpaqueEgress(
  object: EgressNetwork["metadata"],
  port: number,
  state: State,
): boolean {
  const text = annotationOf(
    { metadata: object },
    ANNOTATIONS.opaquePorts,
    state,
  );
  const ranges = text === undefined
    ? state.settings.defaultOpaquePorts
    : resolvePortRanges(text, []);
  return includesPort(ranges, port);
}
