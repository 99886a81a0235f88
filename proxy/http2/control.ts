import { ErrorCode } from "../http/message.ts";
import type { Connection } from "./connection.ts";
import { ConnectionFault } from "./fault.ts";
import { Flag, FrameType, MAX_31_BITS, readUint32 } from "./frames.ts";
import { applySettings } from "./settings.ts";

/** Debug text of GOAWAY that is kept, in characters. */
const MAX_GOAWAY_TEXT = 200;
const decoder = new TextDecoder("latin1");

/** Acts on any frame but HEADERS and DATA. @throws ConnectionFault when it breaks a rule or comes too often. */
export function receiveControl(
  connection: Connection,
  type: number,
  flags: number,
  id: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  switch (type) {
    case FrameType.windowUpdate:
      return receiveWindowUpdate(
        connection,
        id,
        readUint32(bytes, start) & MAX_31_BITS,
      );
    case FrameType.rstStream:
      return receiveReset(connection, id, readUint32(bytes, start));
    case FrameType.settings:
      return receiveSettings(connection, flags, bytes, start, end);
    case FrameType.ping:
      return receivePing(connection, flags, bytes, start);
    case FrameType.priority:
      return receivePriority(
        connection,
        id,
        readUint32(bytes, start) & MAX_31_BITS,
      );
    case FrameType.goaway:
      connection.budgets.spend("goaways");
      return connection.goneAway(
        readUint32(bytes, start) & MAX_31_BITS,
        readUint32(bytes, start + 4),
        decoder.decode(bytes.subarray(start + 8, end))
          .slice(0, MAX_GOAWAY_TEXT),
      );
    default:
      connection.budgets.spend("unknownFrames");
  }
}

/** A frame on a stream that was never opened (RFC 9113 5.1). */
export function idleFault(frame: string, id: number): ConnectionFault {
  return new ConnectionFault(
    ErrorCode.protocolError,
    `Cannot read ${frame}: found it on stream ${id}, which is not open`,
  );
}

function receiveWindowUpdate(
  connection: Connection,
  id: number,
  increment: number,
): void {
  connection.budgets.spend("windowUpdates");
  const { sender } = connection;
  if (id === 0) {
    if (increment === 0) {
      throw new ConnectionFault(
        ErrorCode.protocolError,
        "Cannot read WINDOW_UPDATE: found an increment of 0",
      );
    }
    if (sender.window + increment > MAX_31_BITS) throw overflow();
    sender.window += increment;
    sender.pump();
    return;
  }
  const stream = connection.streams.get(id);
  if (stream === undefined) {
    if (connection.isIdleStream(id)) throw idleFault("WINDOW_UPDATE", id);
  } else if (increment === 0) stream.malformed("a WINDOW_UPDATE of 0");
  else if (stream.sendWindow + increment > MAX_31_BITS) {
    connection.refuse(id, ErrorCode.flowControlError, "a window too large");
  } else {
    stream.sendWindow += increment;
    sender.streamOpened(stream);
  }
}

function receiveReset(connection: Connection, id: number, code: number): void {
  if (connection.isIdleStream(id)) throw idleFault("RST_STREAM", id);
  const stream = connection.streams.get(id);
  const wanton = stream === undefined ||
    (connection.server && !stream.answered);
  stream?.fail({
    code,
    origin: "peer",
    message: `the peer reset the stream with code ${code}`,
  });
  if (wanton) connection.budgets.spend("resets");
}

function receiveSettings(
  connection: Connection,
  flags: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  connection.budgets.spend("settings");
  if ((flags & Flag.ack) !== 0) {
    connection.settingsAcked = true;
    return;
  }
  const { peer, sender, streams } = connection;
  const windowBefore = peer.initialWindowBytes;
  applySettings(peer, bytes, start, end, !connection.server);
  connection.encoder.resize(peer.headerTableBytes);
  connection.countReply();
  connection.writer.settingsAck();
  const growth = peer.initialWindowBytes - windowBefore;
  if (growth !== 0) {
    for (const stream of streams.all()) {
      if (stream.sendWindow + growth > MAX_31_BITS) throw overflow();
      stream.sendWindow += growth;
      sender.streamOpened(stream);
    }
  }
  connection.settingsChanged();
}

function receivePing(
  connection: Connection,
  flags: number,
  bytes: Uint8Array,
  start: number,
): void {
  connection.budgets.spend("pings");
  if ((flags & Flag.ack) !== 0) return connection.pingAnswered(bytes, start);
  connection.countReply();
  connection.writer.ping(Flag.ack, bytes, start);
}

function receivePriority(
  connection: Connection,
  id: number,
  dependency: number,
): void {
  connection.budgets.spend("priorities");
  if (dependency !== id) return;
  throw new ConnectionFault(
    ErrorCode.protocolError,
    `Cannot read PRIORITY: stream ${id} depends on itself`,
  );
}

function overflow(): ConnectionFault {
  return new ConnectionFault(
    ErrorCode.flowControlError,
    `Cannot grow a window: found more than ${MAX_31_BITS} bytes`,
  );
}
