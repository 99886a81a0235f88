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

/** Statuses that are the server's fault. */
const FAILURES: readonly string[] = [
  "Unknown",
  "DeadlineExceeded",
  "Internal",
  "Unavailable",
  "DataLoss",
];

/** The name of a status; `Code(n)` of one that nobody has named. */
export function grpcStatus(code: number): string {
  return NAMES[code] ?? `Code(${code})`;
}

/** Whether a status counts as a failure. */
export function isGrpcFailure(code: number): boolean {
  return FAILURES.includes(grpcStatus(code));
}
