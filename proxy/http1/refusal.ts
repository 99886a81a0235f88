import { Problem } from "../../schemas/problem.ts";

/** A message that breaks HTTP/1's rules or our limits; `status` is what a server answers before it closes. */
export class Refusal extends Problem {
  readonly status: RefusalStatus;

  constructor(status: RefusalStatus, message: string) {
    super("protocol.invalid", message);
    this.status = status;
  }
}

/** Bad message, head too slow, body or target or head too large, coding not implemented, version not supported. */
export type RefusalStatus = 400 | 408 | 413 | 414 | 431 | 501 | 505;
