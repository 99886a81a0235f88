import type { ControlClient } from "../control/client.ts";
import { callUnary } from "../grpc.ts";
import { formatCode, GrpcError, StatusCode } from "../grpc/status.ts";
import { describe } from "../../schemas/problem.ts";
import type { Send } from "./exporter.ts";

const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** ABORTED, OUT_OF_RANGE, DATA_LOSS: which OTLP counts among what passes, and nobody else here needs. */
const OTHER_PASSING = [10, 11, 15];
/** Codes after which the same spans may be sent again (OTLP 1.9, "Failures"). */
const PASSING: ReadonlySet<number> = new Set([
  StatusCode.cancelled,
  StatusCode.deadlineExceeded,
  StatusCode.resourceExhausted,
  StatusCode.unavailable,
  ...OTHER_PASSING,
]);

/** OTLP over gRPC. `timeoutMs` includes the wait for a connection. */
export function sendByGrpc(client: ControlClient, timeoutMs: number): Send {
  return async (request, signal) => {
    try {
      await callUnary(
        (reader) => client.start(EXPORT, request, { ...reader, begun() {} }),
        { timeoutMs, signal },
      );
      return { kind: "taken" };
    } catch (error) {
      const code = error instanceof GrpcError
        ? error.code
        : StatusCode.internal;
      const why = `${formatCode(code)}: ${describe(error)}`;
      return PASSING.has(code)
        ? { kind: "later", why, afterMs: null }
        : { kind: "refused", why };
    }
  };
}
