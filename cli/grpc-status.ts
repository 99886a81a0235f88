/** gRPC's statuses by number, spelled as Go does (grpc.io, "Status codes and their use in gRPC"). */
const NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

export type StatusName = typeof NAMES[number];

/** Statuses that are the server's fault. */
const FAILURES: readonly string[] = [
  "Unknown",
  "DeadlineExceeded",
  "Internal",
  "Unavailable",
  "DataLoss",
];

/** The name of a status; undefined when nobody has named it. */
export function statusName(code: number): StatusName | undefined {
  return NAMES[code];
}

/** The name of a status; `Code(n)` of one that nobody has named. */
export function grpcStatus(code: number): string {
  return statusName(code) ?? `Code(${code})`;
}

/** Whether a status counts as a failure. */
export function isGrpcFailure(code: number): boolean {
  return FAILURES.includes(grpcStatus(code));
}
