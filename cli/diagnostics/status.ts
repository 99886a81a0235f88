import { type StatusName, statusName } from "../grpc-status.ts";

/** A gRPC call that did not end well; its message is what Go's tools print. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly status: StatusName;

  constructor(status: StatusName, description: string) {
    super(`rpc error: code = ${status} desc = ${description}`);
    this.status = status;
  }
}

/** What a response's headers or trailers say of how the call went; undefined: nothing. */
export function readStatus(
  headers: Readonly<Record<string, unknown>>,
): GrpcError | "OK" | undefined {
  const code = headers["grpc-status"];
  if (code === undefined) return undefined;
  if (String(code) === "0") return "OK";
  return new GrpcError(
    statusName(Number(code)) ?? "Unknown",
    decode(String(headers["grpc-message"] ?? "")),
  );
}

/** Undoes percent-encoding; text that is not encoded well is shown as it came, as gRPC asks. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
