/**
 * `bun open-loop.ts ip port rate seconds`: HTTP/1.1 requests at a fixed rate whatever the answers do; prints the Load.
 *
 * A request's time runs from the moment it was due, not from when a connection was free to send it: an answer that comes
 * late delays those behind it, and they say so ("coordinated omission"). wrk and `h2load --rps` measure from the sending.
 */
import { latencyOf, type Load } from "../result.ts";
import type { Schedule } from "./pace.ts";

const [ip = "", port = "", rate = "", seconds = ""] = process.argv.slice(2);

/** Enough that a wait for a free connection means that the proxies are behind, not that the pool is small. */
const CONNECTIONS = 64;
/** How long answers may be out after the last request was due. */
const PATIENCE_MS = 5_000;
/** Time to connect and to start the worker, before the first request is due. */
const LEAD_MS = 500;

const REQUEST = new TextEncoder().encode(
  `GET / HTTP/1.1\r\nHost: ${ip}:${port}\r\n\r\n`,
);

/** A connection; `dueAtMs` is that of the request in flight, null when there is none. */
interface Line {
  socket: Bun.Socket<Line> | null;
  dueAtMs: number | null;
  received: string;
}

const schedule: Schedule = {
  startAtMs: now() + LEAD_MS,
  stepMs: 1000 / Number(rate),
  ticks: Number(rate) * Number(seconds),
};
const durationsMs = new Float64Array(schedule.ticks);
const idle: Line[] = [];
const waiting: number[] = [];
const done = Promise.withResolvers<void>();
let answered = 0;
let failed = 0;

function now(): number {
  return performance.timeOrigin + performance.now();
}

function send(line: Line, dueAtMs: number): void {
  line.dueAtMs = dueAtMs;
  line.socket?.write(REQUEST);
}

function finish(line: Line, ok: boolean): void {
  if (line.dueAtMs === null) return;
  if (ok) durationsMs[answered++] = now() - line.dueAtMs;
  else failed++;
  line.dueAtMs = null;
  if (answered + failed === schedule.ticks) done.resolve();
}

function release(line: Line): void {
  const next = waiting.shift();
  if (next === undefined) idle.push(line);
  else send(line, next);
}

/** The length of a whole response at the start of the text; null while it is incomplete. */
function responseLength(text: string): number | null {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))
    ?.[1];
  if (length === undefined) throw new Error(`No content-length in "${text}"`);
  const total = headEnd + 4 + Number(length);
  return text.length < total ? null : total;
}

async function open(): Promise<void> {
  const line: Line = { socket: null, dueAtMs: null, received: "" };
  line.socket = await Bun.connect<Line>({
    hostname: ip,
    port: Number(port),
    data: line,
    socket: {
      data(_socket, chunk) {
        // haproxy says 408 to a connection that has not asked for anything, and closes it.
        if (line.dueAtMs === null) return;
        line.received += chunk.toString("latin1");
        if (responseLength(line.received) === null) return;
        const ok = line.received.startsWith("HTTP/1.1 200 ");
        line.received = "";
        finish(line, ok);
        release(line);
      },
      close() {
        finish(line, false);
        if (idle.includes(line)) idle.splice(idle.indexOf(line), 1);
        open().catch(() => done.resolve());
      },
    },
  });
  release(line);
}

await Promise.all(Array.from({ length: CONNECTIONS }, open));

const pace = new Worker(new URL("./pace.ts", import.meta.url));
pace.onmessage = ({ data: tick }: MessageEvent<number>): void => {
  const dueAtMs = schedule.startAtMs + tick * schedule.stepMs;
  const line = idle.pop();
  if (line === undefined) waiting.push(dueAtMs);
  else send(line, dueAtMs);
};
pace.postMessage(schedule);
setTimeout(done.resolve, LEAD_MS + Number(seconds) * 1000 + PATIENCE_MS);
await done.promise;

const load: Load = {
  seconds: (now() - schedule.startAtMs) / 1000,
  requests: answered,
  failed: schedule.ticks - answered,
  latency: latencyOf(durationsMs.subarray(0, answered)),
  bytes: null,
};
process.stdout.write(`${JSON.stringify(load)}\n`);
process.exit();
