import { ErrorCode } from "../http/message.ts";
import { DEFAULT_TABLE_BYTES } from "./dynamic-table.ts";
import { ConnectionFault } from "./fault.ts";
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  MAX_31_BITS,
  MAX_FRAME_BYTES,
  readUint32,
} from "./frames.ts";
import { MAX_SETTINGS_ENTRIES } from "./limits.ts";

/** Settings (RFC 9113 6.5.2). */
export const Setting = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

export const SETTING_BYTES = 6;

/** What the peer has told us. */
export interface PeerSettings {
  /** True once its first SETTINGS have come. */
  known: boolean;
  headerTableBytes: number;
  maxConcurrentStreams: number;
  initialWindowBytes: number;
}

/** Streams a client opens before it knows the server's limit: what RFC 9113 6.5.2 asks servers to allow at least. */
const ASSUMED_CONCURRENT_STREAMS = 100;

/** What holds before the peer's first SETTINGS. */
export function defaultSettings(): PeerSettings {
  return {
    known: false,
    headerTableBytes: DEFAULT_TABLE_BYTES,
    maxConcurrentStreams: ASSUMED_CONCURRENT_STREAMS,
    initialWindowBytes: DEFAULT_WINDOW_BYTES,
  };
}

/**
 * Applies the payload of a SETTINGS frame, in order. The peer's SETTINGS_MAX_FRAME_SIZE only says that it takes more than
 * we ever send.
 *
 * @throws ConnectionFault for values that may not be.
 */
export function applySettings(
  peer: PeerSettings,
  bytes: Uint8Array,
  start: number,
  end: number,
  fromServer: boolean,
): void {
  if (end - start > MAX_SETTINGS_ENTRIES * SETTING_BYTES) {
    throw new ConnectionFault(
      ErrorCode.enhanceYourCalm,
      `Cannot apply SETTINGS: found more than ${MAX_SETTINGS_ENTRIES}`,
      "settingsEntries",
    );
  }
  if (!peer.known) {
    peer.known = true;
    peer.maxConcurrentStreams = MAX_31_BITS;
  }
  for (let at = start; at < end; at += SETTING_BYTES) {
    const id = (bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0);
    applySetting(peer, id, readUint32(bytes, at + 2), fromServer);
  }
}

function applySetting(
  peer: PeerSettings,
  id: number,
  value: number,
  fromServer: boolean,
): void {
  switch (id) {
    case Setting.headerTableSize:
      peer.headerTableBytes = value;
      break;
    case Setting.enablePush:
      if (value > (fromServer ? 0 : 1)) throw outOfRange(id, value);
      break;
    case Setting.maxConcurrentStreams:
      peer.maxConcurrentStreams = value;
      break;
    case Setting.initialWindowSize:
      if (value > MAX_31_BITS) {
        throw outOfRange(id, value, ErrorCode.flowControlError);
      }
      peer.initialWindowBytes = value;
      break;
    case Setting.maxFrameSize:
      if (value < DEFAULT_FRAME_BYTES || value > MAX_FRAME_BYTES) {
        throw outOfRange(id, value);
      }
      break;
  }
}

function outOfRange(
  id: number,
  value: number,
  code: number = ErrorCode.protocolError,
): ConnectionFault {
  return new ConnectionFault(
    code,
    `Cannot apply setting ${id}: found ${value}, out of its range`,
  );
}
