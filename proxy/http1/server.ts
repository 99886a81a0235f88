import type { Channel, ChannelReader } from "../channel.ts";
import { join, partOf } from "../chunk.ts";
import { FieldCache } from "../http/field.ts";
import {
  ErrorCode,
  type Reset,
  type ServerConnection,
  type ServeRequest,
} from "../http/message.ts";
import { BodyReader } from "./body-reader.ts";
import { type ExchangeOwner, Http1Exchange } from "./exchange.ts";
import {
  HEAD_TIMEOUT_MS,
  MAX_DISCARD_BYTES,
  MAX_TURN_BYTES,
  MAX_WAITING_BYTES,
} from "./limits.ts";
import { INCOMPLETE } from "./line-reader.ts";
import { endGracefully } from "./linger.ts";
import { Refusal } from "./refusal.ts";
import { RequestParser } from "./request-parser.ts";
import {
  CLOSE_LINE,
  CRLF,
  writeContentLength,
  writeStatusLine,
} from "./writer.ts";

export interface Http1ServerOptions {
  /** Time for a complete head from its first byte; default 10 s. */
  readonly headTimeoutMs?: number;
  /** Hears of every refused request, for logs and counters. */
  readonly refused?: (refusal: Refusal) => void;
}

/**
 * Serves HTTP/1.0 and 1.1 on a channel: calls `serve` for each request, one at a time; the next waits, unread, until the
 * answer is complete. `serve` may be called before this returns, for bytes put back by `unread`. What breaks a rule is
 * answered with its status and `connection: close` and never reaches `serve`. A client that stops sending (FIN) while
 * its answer is under way is taken to be gone, as hyper and nginx do.
 */
export function serveHttp1(
  channel: Channel,
  options: Http1ServerOptions,
  serve: ServeRequest,
): ServerConnection {
  const codec = new Http1Server(channel, options, serve);
  channel.attach(codec);
  return { drain: () => codec.finish() };
}

/** What the connection is doing; from `linger` on nothing is parsed any more. */
const Phase = { head: 0, body: 1, answer: 2, linger: 3, gone: 4 } as const;

const NOTHING = new Uint8Array(0);
/** Shared by all connections: clients of one application send much the same fields. */
const requestFields = new FieldCache(1024, 2);

class Http1Server implements ChannelReader, ExchangeOwner {
  readonly channel: Channel;
  keepAlive = true;
  private readonly options: Http1ServerOptions;
  private readonly serve: ServeRequest;
  private readonly parser = new RequestParser(requestFields);
  private readonly body = new BodyReader(requestFields);
  private phase: number = Phase.head;
  private exchange: Http1Exchange | null = null;
  /** Bytes read from the channel and not consumed yet, from `at` on; ours to keep unless `running`. */
  private input: Uint8Array = NOTHING;
  private at = 0;
  private running = false;
  private bodyPaused = false;
  private stopped = false;
  private draining = false;
  private discarded = 0;
  private headTimer: ReturnType<typeof setTimeout> | null = null;
  private lingering: ReturnType<typeof setInterval> | null = null;

  constructor(
    channel: Channel,
    options: Http1ServerOptions,
    serve: ServeRequest,
  ) {
    this.channel = channel;
    this.options = options;
    this.serve = serve;
  }

  data(chunk: Uint8Array): void {
    if (this.phase === Phase.gone) return;
    if (this.phase === Phase.linger) return this.discard(chunk.length);
    if (this.at < this.input.length) return this.queue(chunk);
    this.input = chunk;
    this.at = 0;
    this.run();
    if (this.at < this.input.length) {
      this.input = this.input.slice(this.at);
      this.at = 0;
    }
    this.settle();
  }

  end(): void {
    if (this.phase >= Phase.linger) return;
    if (this.exchange === null) return this.closeGracefully();
    this.channel.destroy();
    this.lose("the client closed the connection");
  }

  drain(): void {
    if (this.exchange !== null) this.exchange.reader.responseDrain();
    else this.proceed();
  }

  close(error: Error | null): void {
    if (this.lingering !== null) clearInterval(this.lingering);
    this.lose(error?.message ?? "the client closed the connection");
  }

  /** Lets the exchange in flight end, then closes. */
  finish(): void {
    this.draining = true;
    this.keepAlive = false;
    const idle = this.phase === Phase.head && !this.parser.started &&
      this.at === this.input.length;
    if (idle) this.closeGracefully();
  }

  responseEnded(exchange: Http1Exchange): void {
    if (this.exchange !== exchange) return;
    this.exchange = null;
    if (this.phase === Phase.answer) return this.next();
    // The answer came before the end of the request: read the rest if it is little, for the connection's sake.
    this.bodyPaused = false;
    this.discarded = 0;
    if (!this.keepAlive || !this.restIsSmall(exchange)) this.closeGracefully();
    else this.settle();
  }

  abort(exchange: Http1Exchange): void {
    exchange.abandon();
    if (this.exchange !== exchange) return;
    this.leave();
    this.channel.destroy();
  }

  takeOver(exchange: Http1Exchange): Channel {
    const { channel } = this;
    if (this.exchange !== exchange || this.phase !== Phase.answer) {
      this.abort(exchange);
      return channel;
    }
    const rest = this.input.slice(this.at);
    const { stopped } = this;
    this.leave();
    channel.unread(rest);
    if (stopped) channel.resume();
    return channel;
  }

  pauseRequest(exchange: Http1Exchange): void {
    if (this.exchange !== exchange || this.phase !== Phase.body) return;
    this.bodyPaused = true;
    this.settle();
  }

  resumeRequest(exchange: Http1Exchange): void {
    if (this.exchange !== exchange) return;
    this.bodyPaused = false;
    this.settle();
  }

  /** Consumes `input` as far as the present phase allows. */
  private run(): void {
    this.running = true;
    try {
      while (this.at < this.input.length && this.mayRead) {
        if (this.phase === Phase.head) this.readHead();
        else this.readBody();
      }
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.refuse(thrown);
    } finally {
      this.running = false;
    }
  }

  private get mayRead(): boolean {
    if (this.phase !== Phase.head) return this.phase === Phase.body;
    // A client that pipelines and does not read must not make us pile up answers.
    return !this.channel.congested && this.channel.out.length < MAX_TURN_BYTES;
  }

  private readHead(): void {
    const { parser } = this;
    const next = parser.parse(this.input, this.at);
    if (next === INCOMPLETE) {
      this.at = this.input.length;
      if (this.headTimer === null && parser.started) this.armHeadTimer();
      return;
    }
    this.at = next;
    this.disarm();
    const { head } = parser;
    if (head === null) return;
    this.keepAlive = parser.keepAlive && !this.draining;
    const exchange = new Http1Exchange(this, head, !parser.hasBody);
    this.exchange = exchange;
    if (!parser.hasBody) this.phase = Phase.answer;
    else {
      this.phase = Phase.body;
      if (parser.chunked) this.body.startChunked();
      else this.body.startLength(head.contentLength);
    }
    this.serve(exchange);
  }

  private readBody(): void {
    const { body, input } = this;
    this.at = body.read(input, this.at);
    const { dataStart, dataEnd } = body;
    if (dataEnd > dataStart) {
      if (this.exchange === null) this.discarded += dataEnd - dataStart;
      else {
        const piece = partOf(input, dataStart, dataEnd);
        if (!this.exchange.reader.requestData(piece)) this.bodyPaused = true;
      }
    }
    if (this.phase !== Phase.body) return;
    if (body.done) this.endBody();
    else if (this.discarded > MAX_DISCARD_BYTES) this.closeGracefully();
  }

  private endBody(): void {
    this.bodyPaused = false;
    this.discarded = 0;
    this.phase = Phase.answer;
    if (this.exchange === null) this.next();
    else this.exchange.reader.requestEnd(this.body.trailers);
  }

  /** After an answer: the next request, or the end. */
  private next(): void {
    if (!this.keepAlive) return this.closeGracefully();
    this.phase = Phase.head;
    this.proceed();
  }

  private proceed(): void {
    if (this.running || this.phase > Phase.body) return;
    if (this.at < this.input.length) this.run();
    this.settle();
  }

  /** After something changed: keeps what is left, and opens or closes the tap. */
  private settle(): void {
    if (this.running || this.phase === Phase.gone) return;
    const waiting = this.at < this.input.length;
    if (!waiting) {
      this.input = NOTHING;
      this.at = 0;
    } else if (this.phase === Phase.head && !this.channel.congested) {
      // Output of this turn is at its limit; when it has left, either we go on or `drain` will tell.
      setImmediate(() => this.proceed());
    }
    const stop = waiting || this.bodyPaused;
    if (stop === this.stopped) return;
    this.stopped = stop;
    if (stop) this.channel.pause();
    else this.channel.resume();
  }

  /** Bytes that arrive although the channel is paused. */
  private queue(chunk: Uint8Array): void {
    const rest = this.input.subarray(this.at);
    if (rest.length + chunk.length > MAX_WAITING_BYTES) {
      this.channel.destroy();
      return this.lose("too many bytes sent ahead");
    }
    this.input = join(rest, chunk);
    this.at = 0;
  }

  private restIsSmall(exchange: Http1Exchange): boolean {
    // A client that waits for 100 and got a final answer may send its body or not: nobody can tell what comes next.
    if (exchange.head.fields.some((field) => field.name.text === "expect")) {
      return false;
    }
    return !this.body.hasLength || this.body.remaining <= MAX_DISCARD_BYTES;
  }

  private refuse(refusal: Refusal): void {
    this.options.refused?.(refusal);
    const { exchange, phase } = this;
    // Between an early answer and the end of its request there is nothing to answer.
    if (exchange === null && phase === Phase.body) {
      return this.closeGracefully();
    }
    if (exchange !== null) {
      const { unanswered } = exchange;
      this.exchange = null;
      exchange.abandon();
      exchange.reader.requestReset({
        code: ErrorCode.protocolError,
        origin: "protocol",
        message: refusal.message,
      });
      if (!unanswered) {
        this.leave();
        return this.channel.destroy();
      }
    }
    const { out } = this.channel;
    writeStatusLine(out, "1.1", refusal.status);
    writeContentLength(out, 0);
    out.append(CLOSE_LINE);
    out.append(CRLF);
    this.closeGracefully();
  }

  /** FIN behind all that is queued; then listens on for a while, so that a reset does not overtake the answer. */
  private closeGracefully(): void {
    this.leave();
    this.phase = Phase.linger;
    this.discarded = 0;
    this.lingering = endGracefully(this.channel);
    this.settle();
  }

  private discard(count: number): void {
    this.discarded += count;
    if (this.discarded > MAX_WAITING_BYTES) this.channel.pause();
  }

  /** The connection is over under an exchange. */
  private lose(message: string): void {
    const { exchange } = this;
    this.leave();
    if (exchange === null) return;
    exchange.abandon();
    const reset: Reset = { code: ErrorCode.cancel, origin: "io", message };
    exchange.reader.requestReset(reset);
  }

  /** Lets go of everything; nothing is parsed or told from here on. */
  private leave(): void {
    this.disarm();
    this.phase = Phase.gone;
    this.exchange = null;
    this.input = NOTHING;
    this.at = 0;
    this.bodyPaused = false;
  }

  private armHeadTimer(): void {
    const timeoutMs = this.options.headTimeoutMs ?? HEAD_TIMEOUT_MS;
    this.headTimer = setTimeout(() => {
      this.headTimer = null;
      this.refuse(
        new Refusal(
          408,
          `Cannot read request: head not complete after ${timeoutMs} ms`,
        ),
      );
    }, timeoutMs);
  }

  private disarm(): void {
    if (this.headTimer !== null) clearTimeout(this.headTimer);
    this.headTimer = null;
  }
}
