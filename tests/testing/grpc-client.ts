// `bun tests/testing/grpc-client.ts url`: makes every kind of call to the Echo service and prints one line of JSON, a
// GrpcReport.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Echo } from "./proto/gen/echo_pb.ts";

/** What the calls came to. */
export interface GrpcReport {
  readonly unary: {
    readonly text: string;
    readonly caller: string | null;
    readonly metadata: string | null;
    readonly trailer: string | null;
  };
  /** Bytes that came back of a large message. */
  readonly large: number;
  /** Calls at the same time that came back right. */
  readonly parallel: number;
  readonly streamed: number;
  readonly collected: string;
  /** Rounds of a conversation in which each side waits for the other. */
  readonly rounds: number;
  /** Codes and messages of failures, and how many messages came before. */
  readonly failures: readonly (readonly [string, string, number])[];
  /** The code of a call that the client gave up, and of one that took too long. */
  readonly cancelled: string;
  readonly late: string;
  /** Streams that the server still works on in the end. */
  readonly running: number;
}

const [baseUrl = ""] = process.argv.slice(2);
const echo = createClient(Echo, createGrpcTransport({ baseUrl }));
const LARGE = 1 << 20;
const ENDLESS = 4_000_000_000;

async function unary(): Promise<GrpcReport["unary"]> {
  let head = new Headers();
  let trailers = new Headers();
  const { text } = await echo.say({ text: "hello" }, {
    headers: { "x-word": "metadata" },
    onHeader: (fields) => head = fields,
    onTrailer: (fields) => trailers = fields,
  });
  return {
    text,
    caller: head.get("heard-l5d-client-id"),
    metadata: head.get("heard-x-word"),
    trailer: trailers.get("x-last"),
  };
}

async function countParallel(): Promise<number> {
  const calls = Array.from({ length: 200 }, async (_, times) => {
    const answer = await echo.say({ text: `call ${times}`, times });
    return answer.text === `call ${times}`;
  });
  return (await Promise.all(calls)).filter((right) => right).length;
}

async function converse(): Promise<number> {
  let hear = Promise.withResolvers<void>();
  async function* speak() {
    for (let times = 1; times <= 50; times++) {
      hear = Promise.withResolvers<void>();
      yield { text: "ping", times };
      await hear.promise;
    }
  }
  let rounds = 0;
  for await (const { times } of echo.chat(speak())) {
    if (times === rounds + 1) rounds++;
    hear.resolve();
  }
  return rounds;
}

async function fail(
  code: Code,
  message: string,
  after: number,
): Promise<readonly [string, string, number]> {
  let before = 0;
  try {
    for await (const _ of echo.fail({ code, message, after })) before++;
    return ["OK", "", before];
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return [Code[code], rawMessage, before];
  }
}

/** Reads an endless stream until something ends it. */
async function readEndless(
  options: { signal?: AbortSignal; timeoutMs?: number },
  each: () => void,
): Promise<string> {
  try {
    const words = { text: "again", times: ENDLESS };
    for await (const _ of echo.repeat(words, options)) each();
    return "OK";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}

async function report(): Promise<GrpcReport> {
  const first = await unary();
  const { text: large } = await echo.say({ text: "x".repeat(LARGE) });
  const parallel = await countParallel();
  let streamed = 0;
  for await (const _ of echo.repeat({ text: "again", times: 1000 })) streamed++;
  async function* words() {
    for (const text of ["a", "b", "c"]) yield { text };
  }
  const collected = await echo.collect(words());
  const rounds = await converse();
  const failures = [
    await fail(Code.NotFound, "no such thing: 100% of «it»", 0),
    await fail(Code.Unavailable, "gone", 3),
  ];
  const giveUp = new AbortController();
  let heard = 0;
  const cancelled = await readEndless({ signal: giveUp.signal }, () => {
    if (++heard === 3) giveUp.abort();
  });
  const late = await readEndless({ timeoutMs: 300 }, () => {});
  let { calls: running } = await echo.running({});
  for (let look = 0; running > 0 && look < 100; look++) {
    await Bun.sleep(20);
    ({ calls: running } = await echo.running({}));
  }
  return {
    unary: first,
    large: large.length,
    parallel,
    streamed,
    collected: collected.text,
    rounds,
    failures,
    cancelled,
    late,
    running,
  };
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await report())}\n`);
  process.exit(0);
}
