/** Every way a program of ours refuses or fails, for people and machines alike; listed in docs/errors.md. */
export type ProblemCode =
  | "config.invalid" // a flag, variable or file holds something we cannot use
  | "manifest.invalid" // a Kubernetes object that cannot mean anything
  | "manifest.unsupported" // a valid object that this version does not enforce
  | "identity.refused" // a certificate will not be issued
  | "identity.unavailable" // no issuer, no certificate yet
  | "tls.refused" // a peer that may not be talked to
  | "protocol.invalid" // bytes that break a protocol's rules
  | "connect.failed" // nobody answers at an address
  | "connect.timeout"
  | "timeout.request" // a time that a route sets is over: of the whole request
  | "timeout.response" // of its response
  | "timeout.idle" // without a frame
  | "timeout.attempt" // of the last of several attempts
  | "failfast" // a service has had no ready endpoint for too long
  | "loadshed" // a queue is full
  | "forbidden" // policy says no
  | "route.missing" // policy has routes, and none takes the request
  | "backend.missing" // a route sends to what is not there, or to nobody
  | "gateway.domain" // a gateway is asked for a name that it does not forward to
  | "gateway.loop" // a gateway is asked by itself, or again
  | "ratelimited" // more requests than policy lets through
  | "request.invalid" // a question that has no answer as it is asked
  | "system.failed"; // the operating system refused something we need

/** An error that says what was found, what was expected and what to do next. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  /** The next step for a person: a command, an annotation, a port to allow. */
  readonly hint: string | undefined;

  constructor(
    code: ProblemCode,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything thrown. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
