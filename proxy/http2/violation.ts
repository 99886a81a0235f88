import { ErrorCode } from "../http/message.ts";
import type { LimitName } from "./limits.ts";

/** What a peer did that cost it a stream or its connection: a limit it hit, or a rule it broke. */
export type Violation = LimitName | Rule;

/** The rules by their error code (RFC 9113 7); `malformed` is a message against HTTP's own rules (RFC 9113 8.1.1). */
export type Rule =
  | "malformed"
  | "protocol"
  | "flowControl"
  | "streamClosed"
  | "frameSize"
  | "compression";

const RULES: ReadonlyMap<number, Rule> = new Map([
  [ErrorCode.protocolError, "protocol"],
  [ErrorCode.flowControlError, "flowControl"],
  [ErrorCode.streamClosed, "streamClosed"],
  [ErrorCode.frameSizeError, "frameSize"],
  [ErrorCode.compressionError, "compression"],
]);

/** The rule behind an error code; null when the code is not about a rule. */
export function ruleOf(code: number): Rule | null {
  return RULES.get(code) ?? null;
}
