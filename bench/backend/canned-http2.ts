/**
 * `bun canned-http2.ts http2-port grpc-port`: answers every HTTP/2 request with the same bytes, without reading what it
 * asks. An answer costs a few microseconds, so that proxies are measured and not what stands behind them: nginx as an
 * HTTP/2 server was slower than the proxies in front of it. Prior knowledge only; no more of RFC 9113 than honest
 * clients need.
 */
import { grpcMessage } from "../load/grpc.ts";

const [http2Port = "", grpcPort = ""] = process.argv.slice(2);

/** Frame types and flags (RFC 9113, section 6). */
const DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8;
const END_STREAM = 1, ACK = 1, END_HEADERS = 4;
const FRAME_HEAD_BYTES = 9;
const PREFACE_BYTES = 24;
/** Of a connection, before any WINDOW_UPDATE (RFC 9113, section 6.9.2). */
const INITIAL_WINDOW = 65_535;
/** Received bytes are given back in steps, not frame by frame. */
const GIVE_BACK_AT = 16_384;

/** Indexes of the static table (RFC 7541, appendix A). */
const CONTENT_LENGTH = 28, CONTENT_TYPE = 31;
const STATUS_200 = 0x88;

interface Connection {
  /** Bytes of an incomplete frame, the preface at first. */
  rest: Uint8Array;
  sawPreface: boolean;
  /** What may still be sent as DATA. */
  window: number;
  /** Streams whose answer waits for the window. */
  readonly waiting: number[];
  received: number;
  /** What the kernel has not taken yet. */
  unsent: Uint8Array;
}

/** An answer: frames whose stream is written into each copy. */
interface Answer {
  readonly frames: readonly Uint8Array[];
  readonly dataBytes: number;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function frame(type: number, flags: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(1, payload.length);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

/** A literal field without indexing whose name is in the static table (RFC 7541, section 6.2.2). */
function field(nameIndex: number, value: string): number[] {
  return [0x0f, nameIndex - 15, value.length, ...text(value)];
}

function httpAnswer(): Answer {
  const body = text(
    "a small answer that comes from memory, as a health check or a cached lookup would give\n",
  );
  const head = Uint8Array.of(
    STATUS_200,
    ...field(CONTENT_TYPE, "text/plain"),
    ...field(CONTENT_LENGTH, `${body.length}`),
  );
  return {
    frames: [frame(HEADERS, END_HEADERS, head), frame(DATA, END_STREAM, body)],
    dataBytes: body.length,
  };
}

function grpcAnswer(): Answer {
  const head = Uint8Array.of(
    STATUS_200,
    ...field(CONTENT_TYPE, "application/grpc"),
  );
  const message = grpcMessage();
  const name = text("grpc-status");
  const trailers = Uint8Array.of(0, name.length, ...name, 1, ...text("0"));
  return {
    frames: [
      frame(HEADERS, END_HEADERS, head),
      frame(DATA, 0, message),
      frame(HEADERS, END_HEADERS | END_STREAM, trailers),
    ],
    dataBytes: message.length,
  };
}

function listen(port: number, answer: Answer): void {
  const bytes = Bun.concatArrayBuffers([...answer.frames]);
  const canned = new Uint8Array(bytes);
  const streamAt = answer.frames.map((_, index) =>
    answer.frames.slice(0, index).reduce((sum, one) => sum + one.length, 0) + 5
  );
  /** Answers to as many waiting streams as the window allows. */
  const answerAll = (connection: Connection): Uint8Array => {
    const count = Math.min(
      connection.waiting.length,
      Math.floor(connection.window / answer.dataBytes),
    );
    connection.window -= count * answer.dataBytes;
    const out = new Uint8Array(count * canned.length);
    const view = new DataView(out.buffer);
    for (const [index, id] of connection.waiting.splice(0, count).entries()) {
      const start = index * canned.length;
      out.set(canned, start);
      for (const at of streamAt) view.setUint32(start + at, id);
    }
    return out;
  };
  Bun.listen<Connection>({
    hostname: "0.0.0.0",
    port,
    socket: {
      open(socket) {
        socket.data = {
          rest: new Uint8Array(),
          sawPreface: false,
          window: INITIAL_WINDOW,
          waiting: [],
          received: 0,
          unsent: frame(SETTINGS, 0, new Uint8Array()),
        };
        send(socket, []);
      },
      data(socket, chunk) {
        const replies = read(socket.data, chunk);
        send(socket, [...replies, answerAll(socket.data)]);
      },
      drain: (socket) => send(socket, []),
    },
  });
}

/** Takes whole frames, notes the streams to answer, and returns the frames that the connection itself is owed. */
function read(connection: Connection, chunk: Uint8Array): Uint8Array[] {
  const bytes = connection.rest.length === 0
    ? chunk
    : new Uint8Array(Buffer.concat([connection.rest, chunk]));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const replies: Uint8Array[] = [];
  let at = 0;
  if (!connection.sawPreface && bytes.length >= PREFACE_BYTES) {
    connection.sawPreface = true;
    at = PREFACE_BYTES;
  }
  while (connection.sawPreface && bytes.length - at >= FRAME_HEAD_BYTES) {
    const length = view.getUint32(at) >>> 8;
    const start = at + FRAME_HEAD_BYTES;
    if (bytes.length < start + length) break;
    const type = bytes[at + 3];
    const flags = bytes[at + 4] ?? 0;
    const id = view.getUint32(at + 5) & 0x7fffffff;
    const payload = bytes.subarray(start, start + length);
    if (type === HEADERS || type === DATA) {
      if ((flags & END_STREAM) !== 0) connection.waiting.push(id);
    }
    if (type === DATA) connection.received += length;
    if (type === SETTINGS && (flags & ACK) === 0) {
      replies.push(frame(SETTINGS, ACK, new Uint8Array()));
    }
    if (type === PING && (flags & ACK) === 0) {
      replies.push(frame(PING, ACK, payload));
    }
    if (type === WINDOW_UPDATE && id === 0) {
      connection.window += view.getUint32(start);
    }
    at = start + length;
  }
  connection.rest = bytes.slice(at);
  if (connection.received >= GIVE_BACK_AT) {
    const increment = new Uint8Array(4);
    new DataView(increment.buffer).setUint32(0, connection.received);
    replies.push(frame(WINDOW_UPDATE, 0, increment));
    connection.received = 0;
  }
  return replies;
}

function send(socket: Bun.Socket<Connection>, frames: Uint8Array[]): void {
  const { data } = socket;
  const bytes = new Uint8Array(Buffer.concat([data.unsent, ...frames]));
  if (bytes.length === 0) return;
  data.unsent = bytes.subarray(Math.max(0, socket.write(bytes)));
}

listen(Number(http2Port), httpAnswer());
listen(Number(grpcPort), grpcAnswer());
process.stdout.write("ready\n");
