import { ErrorCode } from "../http/message.ts";
import { ConnectionFault } from "./fault.ts";
import { Flag, FrameType, PING_BYTES } from "./frames.ts";

/** Where a frame may appear: on the connection (stream 0), on a stream, or on both; and its size when that is fixed. */
interface Rule {
  readonly name: string;
  readonly on: "connection" | "stream" | "both";
  readonly size: number | null;
}

const RULES: readonly Rule[] = [
  { name: "DATA", on: "stream", size: null },
  { name: "HEADERS", on: "stream", size: null },
  { name: "PRIORITY", on: "stream", size: 5 },
  { name: "RST_STREAM", on: "stream", size: 4 },
  { name: "SETTINGS", on: "connection", size: null },
  { name: "PUSH_PROMISE", on: "stream", size: null },
  { name: "PING", on: "connection", size: PING_BYTES },
  { name: "GOAWAY", on: "connection", size: null },
  { name: "WINDOW_UPDATE", on: "both", size: 4 },
  { name: "CONTINUATION", on: "stream", size: null },
];

const SETTING_BYTES = 6;
const MIN_GOAWAY_BYTES = 8;

/** Holds a frame's header against RFC 9113 6. @throws ConnectionFault when it breaks a rule. */
export function checkFrame(
  type: number,
  flags: number,
  streamId: number,
  length: number,
): void {
  const rule = RULES[type];
  if (rule === undefined) return;
  if (rule.on !== "both" && (rule.on === "stream") !== (streamId > 0)) {
    throw new ConnectionFault(
      ErrorCode.protocolError,
      `Cannot read ${rule.name}: found it on stream ${streamId}`,
    );
  }
  if (!isSizeRight(type, rule, flags, length)) {
    throw new ConnectionFault(
      ErrorCode.frameSizeError,
      `Cannot read ${rule.name}: found ${length} octets`,
    );
  }
  if (type === FrameType.pushPromise) {
    throw new ConnectionFault(
      ErrorCode.protocolError,
      "Cannot read PUSH_PROMISE: push was not allowed",
    );
  }
}

function isSizeRight(
  type: number,
  rule: Rule,
  flags: number,
  length: number,
): boolean {
  if (rule.size !== null) return length === rule.size;
  switch (type) {
    case FrameType.settings:
      return (flags & Flag.ack) !== 0
        ? length === 0
        : length % SETTING_BYTES === 0;
    case FrameType.goaway:
      return length >= MIN_GOAWAY_BYTES;
    case FrameType.data:
      return (flags & Flag.padded) === 0 || length > 0;
    case FrameType.headers:
      return length >= ((flags & Flag.padded) !== 0 ? 1 : 0) +
          ((flags & Flag.priority) !== 0 ? 5 : 0);
    default:
      return true;
  }
}
