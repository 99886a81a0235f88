import { Field } from "../http/field.ts";
import { ErrorCode, type Reset } from "../http/message.ts";

/** gRPC status codes (grpc.io, statuscodes) that the proxy tells apart. */
export const StatusCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** How a call ended. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** A call that did not end with OK. */
export class GrpcError extends Error implements GrpcStatus {
  override readonly name = "GrpcError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Name of a code as people know it: `UNAVAILABLE`. */
export function formatCode(code: number): string {
  const [name] =
    Object.entries(StatusCode).find(([, value]) => value === code) ??
      [`code ${code}`];
  return name.replace(/[A-Z]/g, "_$&").toUpperCase();
}

/** The status that trailers (or a head without body) carry; null when they carry none. */
export function statusOfFields(fields: readonly Field[]): GrpcStatus | null {
  let code: number | null = null;
  let message = "";
  for (const field of fields) {
    if (field.name.text === "grpc-status") code = parseCode(field.text);
    else if (field.name.text === "grpc-message") {
      message = decodeMessage(field.text);
    }
  }
  return code === null ? null : { code, message };
}

/** What ends a call as trailers, or in the head of an answer without messages. */
export function statusFields({ code, message }: GrpcStatus): Field[] {
  const status = Field.of("grpc-status", String(code));
  if (message === "") return [status];
  const encoded = message.toWellFormed()
    .replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent);
  return [status, Field.of("grpc-message", encoded)];
}

function parseCode(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : StatusCode.unknown;
}

/** `grpc-message` is percent-encoded UTF-8; one that is not well-formed is shown as it is (gRPC over HTTP/2). */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** For an answer that is not gRPC (gRPC, http-grpc-status-mapping). */
export function statusOfHttp(status: number): GrpcStatus {
  return {
    code: HTTP_CODES[status] ?? StatusCode.unknown,
    message: `found HTTP status ${status} without gRPC status`,
  };
}

const HTTP_CODES: Readonly<Record<number, number>> = {
  400: StatusCode.internal,
  401: StatusCode.unauthenticated,
  403: StatusCode.permissionDenied,
  404: StatusCode.unimplemented,
  429: StatusCode.unavailable,
  502: StatusCode.unavailable,
  503: StatusCode.unavailable,
  504: StatusCode.unavailable,
};

/** For a stream that was cut off (gRPC over HTTP/2, errors). */
export function statusOfReset(reset: Reset): GrpcStatus {
  const code = reset.origin === "io"
    ? StatusCode.unavailable
    : RESET_CODES[reset.code] ?? StatusCode.internal;
  return { code, message: `stream ended early: ${reset.message}` };
}

const RESET_CODES: Readonly<Record<number, number>> = {
  [ErrorCode.noError]: StatusCode.unavailable,
  [ErrorCode.refusedStream]: StatusCode.unavailable,
  [ErrorCode.cancel]: StatusCode.cancelled,
  [ErrorCode.enhanceYourCalm]: StatusCode.resourceExhausted,
  [ErrorCode.inadequateSecurity]: StatusCode.permissionDenied,
};
