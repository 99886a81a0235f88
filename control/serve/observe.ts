import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Metrics } from "../metrics.ts";

const LABELS = ["grpc_type", "grpc_service", "grpc_method"];

/** Counts calls by outcome and streams that are open, under the names of Linkerd's own servers. */
export function observeCalls(metrics: Metrics): Interceptor {
  const started = metrics.counter(
    "grpc_server_started_total",
    "Total number of RPCs started on the server.",
    LABELS,
  );
  const handled = metrics.counter(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
    [...LABELS, "grpc_code"],
  );
  const open = metrics.upDown(
    "grpc_server_open_streams",
    "Number of streams that are being served.",
    LABELS,
  );
  return (next) => async (request) => {
    const type = request.method.methodKind;
    const labels = [type, request.service.typeName, request.method.name];
    const end = (code: string): void => handled.add([...labels, code]);
    started.add(labels);
    try {
      const response = await next(request);
      if (!response.stream) {
        end("OK");
        return response;
      }
      open.add(labels);
      const done = (code: string): void => {
        open.add(labels, -1);
        end(code);
      };
      return { ...response, message: follow(response.message, done) };
    } catch (error) {
      end(nameOf(error));
      throw error;
    }
  };
}

async function* follow<T>(
  messages: AsyncIterable<T>,
  done: (code: string) => void,
): AsyncGenerator<T> {
  let code = "Canceled"; // unless told otherwise, the client has stopped reading
  try {
    yield* messages;
    code = "OK";
  } catch (error) {
    code = nameOf(error);
    throw error;
  } finally {
    done(code);
  }
}

/** As the server answers: an error that no code was chosen for is `Internal`, an aborted call `Canceled`. */
function nameOf(error: unknown): string {
  if (error instanceof ConnectError) return Code[error.code];
  return error instanceof Error && error.name === "AbortError"
    ? "Canceled"
    : "Internal";
}
