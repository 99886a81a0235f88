import { Problem } from "../../schemas/problem.ts";
import type { LimitName } from "./limits.ts";

/** A rule broken by the peer that ends the whole connection with GOAWAY (RFC 9113 5.4.1). */
export class ConnectionFault extends Problem {
  /** An `ErrorCode` for the GOAWAY. */
  readonly errorCode: number;
  /** The limit that was exceeded, null when a rule was broken. */
  readonly limit: LimitName | null;

  constructor(
    errorCode: number,
    message: string,
    limit: LimitName | null = null,
  ) {
    super("protocol.invalid", message);
    this.errorCode = errorCode;
    this.limit = limit;
  }
}
