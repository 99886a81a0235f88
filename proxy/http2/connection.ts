import type { Channel } from "../channel.ts";
import { ErrorCode, NO_TRAILERS, type Reset } from "../http/message.ts";
import { Budgets } from "./budgets.ts";
import { idleFault, receiveControl } from "./control.ts";
import { ConnectionFault } from "./fault.ts";
import { FieldBlock } from "./field-block.ts";
import { type FrameHandler, FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { DEFAULT_WINDOW_BYTES, Flag, FrameType } from "./frames.ts";
import { HeaderDecoder } from "./hpack-decode.ts";
import { HeaderEncoder } from "./hpack-encode.ts";
import { Intake } from "./intake.ts";
import { KeepAlive } from "./keep-alive.ts";
import {
  MAX_HEADER_LIST_BYTES,
  MAX_REMEMBERED_RESETS,
  MAX_UNREAD_REPLIES,
} from "./limits.ts";
import { DEFAULT_CONNECTION_WINDOW, type Http2Options } from "./options.ts";
import { Sender } from "./sender.ts";
import { defaultSettings, Setting } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";
import { ruleOf, type Violation } from "./violation.ts";
import { ReceiveWindow } from "./window.ts";

/** How long a peer may take to read our GOAWAY and close, before we do. */
const LINGER_MS = 1_000;
/** Payload of keep-alive PINGs; any byte that comes back will do as an answer. */
const KEEP_ALIVE = new TextEncoder().encode("keepaliv");

/** One HTTP/2 connection over a channel: frames, streams, limits and the end. Each role adds what it alone does. */
export abstract class Connection implements FrameHandler {
  /** True once no more frames are read: the last GOAWAY was sent, or the channel is gone. */
  closed = false;
  readonly channel: Channel;
  readonly writer: FrameWriter;
  readonly encoder = new HeaderEncoder();
  readonly sender: Sender;
  readonly streams = new StreamTable();
  readonly budgets: Budgets;
  /** To be told of each limit hit and each rule broken. */
  readonly violated: (violation: Violation) => void;
  readonly peer = defaultSettings();
  /** True once the peer has confirmed our SETTINGS. */
  settingsAcked = false;
  /** Why the connection ended, null while it did not or when it ended well. */
  protected problem: Error | null = null;
  readonly server: boolean;
  private readonly reader: FrameReader;
  private readonly decoder = new HeaderDecoder();
  private readonly intake: Intake;
  private readonly streamWindow: number;
  private readonly maxHeaderListBytes: number;
  private readonly block: FieldBlock;
  private readonly keepAlive: KeepAlive | null;
  private linger: ReturnType<typeof setTimeout> | null = null;
  /** The stream of the DATA frame being read, null when its bytes are ignored, and whether the frame ends it. */
  private current: Stream | null = null;
  private currentEnds = false;
  /** Answers written since the channel became congested. */
  private unreadReplies = 0;
  private inputPaused = false;
  /** Streams we have reset lately, whose frames may still come. */
  private resets: Set<number> | null = null;

  constructor(channel: Channel, options: Http2Options, server: boolean) {
    this.channel = channel;
    this.server = server;
    this.violated = options.violated ?? ignore;
    this.budgets = new Budgets(options.now ?? monotonicMs, options.rates ?? {});
    this.writer = new FrameWriter(channel, this.streams);
    this.sender = new Sender(this);
    this.reader = new FrameReader(this, server);
    this.intake = new Intake(
      this.writer,
      options.initialConnectionWindow ?? DEFAULT_CONNECTION_WINDOW,
      () => this.violated("heldBytes"),
    );
    this.streamWindow = options.initialStreamWindow ?? DEFAULT_WINDOW_BYTES;
    this.maxHeaderListBytes = options.maxHeaderListBytes ??
      MAX_HEADER_LIST_BYTES;
    this.block = new FieldBlock(this.maxHeaderListBytes);
    this.keepAlive = options.keepAlive === undefined
      ? null
      : new KeepAlive(options.keepAlive, this);
  }

  /** HEADERS on a stream that is not open. */
  protected abstract openStream(
    id: number,
    block: FieldBlock,
    endStream: boolean,
  ): void;
  /** True when no stream of this id has been opened yet. */
  abstract isIdleStream(id: number): boolean;
  /** True when frames on a closed stream are no fault: they were under way. */
  protected abstract ignoresStream(id: number): boolean;
  /** The peer announces the end of the connection. */
  abstract goneAway(lastId: number, code: number, text: string): void;
  /** The peer's SETTINGS were applied. */
  abstract settingsChanged(): void;
  /** A PING of ours was answered. */
  abstract pingAnswered(payload: Uint8Array, at: number): void;
  /** A stream was forgotten. */
  /** Stops new requests and closes once those in flight are done. */
  abstract drain(): void;
  protected abstract streamForgotten(): void;
  /** The channel is closed, all readers have been told. */
  protected abstract over(error: Error | null): void;
  /** For GOAWAY: the last stream of the peer's that we have seen. */
  protected abstract readonly lastPeerStream: number;

  /** Sends our SETTINGS, `own` being those of one role only, and starts reading. */
  protected start(own: readonly number[]): void {
    const settings = [...own, Setting.maxHeaderListSize];
    settings.push(this.maxHeaderListBytes);
    if (this.streamWindow !== DEFAULT_WINDOW_BYTES) {
      settings.push(Setting.initialWindowSize, this.streamWindow);
    }
    this.writer.settings(settings);
    this.intake.open();
    this.channel.attach({
      data: (chunk) => this.read(chunk),
      end: () => this.readEnd(),
      drain: () => this.writable(),
      close: (error) => this.channelClosed(error),
    });
  }

  private read(chunk: Uint8Array): void {
    if (this.closed) return;
    if (this.keepAlive !== null) this.keepAlive.heard = true;
    try {
      this.reader.read(chunk);
    } catch (thrown) {
      if (thrown instanceof ConnectionFault) return this.fail(thrown);
      this.fail(
        new ConnectionFault(ErrorCode.internalError, "Cannot go on: internal"),
      );
      throw thrown;
    }
    // A client that does not read its responses gets to send no more requests: nothing else bounds their heads.
    if (this.server && this.channel.congested && !this.inputPaused) {
      this.inputPaused = true;
      this.channel.pause();
    }
  }

  /** The channel takes bytes again. */
  protected writable(): void {
    this.unreadReplies = 0;
    if (this.inputPaused) {
      this.inputPaused = false;
      this.channel.resume();
    }
    this.sender.resume();
  }

  /** The peer has finished sending, so no stream can be completed: HTTP/2 knows no half-closed connections. */
  private readEnd(): void {
    if (this.closed) return;
    this.stop();
    this.lose("the peer closed the connection");
    this.endChannel();
  }

  private channelClosed(error: Error | null): void {
    if (this.linger !== null) clearTimeout(this.linger);
    this.linger = null;
    this.stop();
    this.lose(error?.message ?? "the connection was closed");
    this.over(error ?? this.problem);
  }

  headers(
    id: number,
    endStream: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.expectSettings();
    const { block } = this;
    block.begin();
    this.decoder.decode(bytes, start, end, block);
    if (block.tooLarge) this.violated("headerList");
    const stream = this.streams.get(id);
    if (stream === undefined) this.openStream(id, block, endStream);
    else if (stream.remoteEnded) this.refuseClosed(id);
    else stream.headers(block, endStream);
  }

  dataStart(id: number, size: number, endStream: boolean): void {
    this.expectSettings();
    this.current = null;
    this.currentEnds = endStream;
    if (!this.intake.take(size)) {
      throw new ConnectionFault(
        ErrorCode.flowControlError,
        "Cannot take DATA: the connection's window is used up",
      );
    }
    if (size === 0 && !endStream) this.budgets.spend("emptyData");
    else this.budgets.refund("pings", 1);
    const stream = this.streams.get(id);
    if (stream === undefined) this.dataOnClosedStream(id);
    else if (stream.remoteEnded) this.refuseClosed(id);
    else if (!stream.bodyExpected) stream.malformed("DATA before the head");
    else if (stream.window !== null && !stream.window.take(size)) {
      this.refuse(id, ErrorCode.flowControlError, "more than its window");
    } else this.current = stream;
  }

  dataChunk(chunk: Uint8Array): void {
    const stream = this.current;
    if (stream !== null && !stream.closed) stream.receive(chunk);
  }

  dataEnd(padding: number, size: number): void {
    const stream = this.current;
    if (padding > 0 && padding === size && !this.currentEnds) {
      this.budgets.spend("emptyData");
    }
    if (stream === null || stream.closed) return;
    if (padding > 0) stream.credit(padding);
    if (this.currentEnds) stream.receiveEnd(NO_TRAILERS);
  }

  frame(
    type: number,
    flags: number,
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (type !== FrameType.settings || (flags & Flag.ack) !== 0) {
      this.expectSettings();
    }
    receiveControl(this, type, flags, id, bytes, start, end);
  }

  /** To be called for each answer to a frame that costs the peer nothing. @throws ConnectionFault when it reads none. */
  countReply(): void {
    if (!this.channel.congested) return;
    if (++this.unreadReplies <= MAX_UNREAD_REPLIES) return;
    throw new ConnectionFault(
      ErrorCode.enhanceYourCalm,
      `Cannot go on: found ${MAX_UNREAD_REPLIES} answers unread`,
      "unreadReplies",
    );
  }

  /** A window for a new stream that has a body. Until the peer knows ours, it may count on the default. */
  receiveWindow(): ReceiveWindow {
    return new ReceiveWindow(
      this.streamWindow,
      this.settingsAcked
        ? this.streamWindow
        : Math.max(this.streamWindow, DEFAULT_WINDOW_BYTES),
    );
  }

  /** See `Intake.hold`. */
  hold(bytes: number): void {
    this.intake.hold(bytes);
  }

  /** Ends a stream because the peer broke a rule on it. @throws ConnectionFault when it does so all the time. */
  refuse(id: number, code: number, found: string): void {
    const stream = this.streams.get(id);
    this.writeReset(id, code);
    // All that is wrong with a single message has one code (RFC 9113 8.1.1).
    const rule = code === ErrorCode.protocolError ? "malformed" : ruleOf(code);
    if (rule !== null) this.violated(rule);
    stream?.fail({ code, origin: "protocol", message: `found ${found}` });
    this.budgets.spend("faults");
  }

  writeReset(id: number, code: number): void {
    this.writer.rstStream(id, code);
    this.resets ??= new Set();
    this.resets.add(id);
    if (this.resets.size <= MAX_REMEMBERED_RESETS) return;
    for (const oldest of this.resets) {
      this.resets.delete(oldest);
      return;
    }
  }

  protected wasReset(id: number): boolean {
    return this.resets?.has(id) ?? false;
  }

  forget(id: number): void {
    if (this.streams.delete(id)) this.streamForgotten();
  }

  /** A stream came to its end as it should: it pays for one that does not. */
  finished(): void {
    this.budgets.refund("resets", 1);
  }

  /** Ends the connection because of what the peer did. */
  fail(fault: ConnectionFault): void {
    if (this.closed) return;
    const violation = fault.limit ?? ruleOf(fault.errorCode);
    if (violation !== null) this.violated(violation);
    this.problem = fault;
    this.writer.goaway(this.lastPeerStream, fault.errorCode, fault.message);
    this.stop();
    this.lose(fault.message, fault.errorCode, "protocol");
    this.endChannel();
  }

  /** Nothing more to say: closes once what is queued has left, or after a while. */
  protected finish(): void {
    if (this.closed) return;
    this.stop();
    this.endChannel();
  }

  private endChannel(): void {
    this.channel.end();
    this.linger = setTimeout(() => this.channel.destroy(), LINGER_MS);
  }

  /** Resets all streams. */
  protected lose(
    message: string,
    code: number = ErrorCode.cancel,
    origin: Reset["origin"] = "io",
  ): void {
    const reset = { code, origin, message };
    for (const stream of this.streams.all()) stream.fail(reset);
  }

  isIdle(): boolean {
    return this.streams.size === 0;
  }

  sendPing(): void {
    this.writer.ping(Flag.none, KEEP_ALIVE, 0);
  }

  pingTimedOut(): void {
    this.violated("pingTimeout");
    this.problem = new ConnectionFault(
      ErrorCode.noError,
      "Cannot go on: the peer did not answer a PING in time",
    );
    this.stop();
    this.lose("the peer did not answer a PING in time");
    this.channel.destroy();
  }

  /** Ends reading and writing. */
  protected stop(): void {
    this.closed = true;
    this.writer.closed = true;
    this.keepAlive?.stop();
  }

  private expectSettings(): void {
    if (this.peer.known) return;
    throw new ConnectionFault(
      ErrorCode.protocolError,
      "Cannot start HTTP/2: found another frame, expected SETTINGS first",
    );
  }

  private dataOnClosedStream(id: number): void {
    if (this.isIdleStream(id)) throw idleFault("DATA", id);
    if (!this.ignoresStream(id)) this.refuseClosed(id);
  }

  private refuseClosed(id: number): void {
    this.refuse(id, ErrorCode.streamClosed, "a frame after END_STREAM");
  }
}

const ignore = (): void => {};
const monotonicMs = (): number => performance.now();
