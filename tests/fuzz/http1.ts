import { deepEqual } from "node:assert/strict";
import type { ClientStream } from "../../proxy/http/message.ts";
import { connectHttp1 } from "../../proxy/http1/client.ts";
import { serveHttp1 } from "../../proxy/http1/server.ts";
import { createMemoryChannels } from "../../proxy/testing/memory-channel.ts";
import {
  RecordedRequest,
  RecordedResponse,
} from "../../proxy/testing/recorded-exchange.ts";
import { Recorder, turn } from "../../proxy/testing/recorder.ts";
import type { Random } from "./target.ts";

/** What mutations start from, and take pieces of. */
const REQUESTS = [
  "GET /a?b HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nConnection: keep-alive, x\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
  "GET http://a/b HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
  "OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
];
const RESPONSES = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.0 200\r\nContent-Type: text/plain\r\n\r\nuntil the end",
];
const PIECES = [
  "\r",
  "\n",
  "\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  "0",
  ";",
  "\x0b",
  "\xff",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Host: b\r\n",
];
/** Requests mean the same however they are cut. */
export async function http1Requests(random: Random): Promise<void> {
  const text = mutateText(REQUESTS, random);
  const whole = await serveText(text, Infinity);
  deepEqual(await serveText(text, 1), whole, JSON.stringify(text));
}

/** Responses mean the same however they are cut. */
export async function http1Responses(random: Random): Promise<void> {
  const text = mutateText(RESPONSES, random);
  const whole = await answerText(text, Infinity);
  deepEqual(await answerText(text, 1), whole, JSON.stringify(text));
}

/** Requests that are passed on are the same requests to the next server. */
export async function http1Forward(random: Random): Promise<void> {
  const text = mutateText(REQUESTS, random);
  const [before, after] = await forwardText(text);
  deepEqual(after, before, JSON.stringify(text));
}

function mutateText(corpus: readonly string[], random: Random): string {
  const pick = (list: readonly string[]) =>
    list[Math.floor(random() * list.length)] ?? "";
  let text = pick(corpus) + (random() < 0.5 ? pick(corpus) : "");
  for (let count = Math.floor(random() * 4); count > 0; count--) {
    const at = Math.floor(random() * text.length);
    const end = at + Math.floor(random() * 4);
    const kind = random();
    if (kind < 0.4) text = text.slice(0, at) + pick(PIECES) + text.slice(at);
    else if (kind < 0.6) text = text.slice(0, at) + text.slice(end);
    else if (kind < 0.8) {
      const octet = String.fromCharCode(Math.floor(random() * 256));
      text = text.slice(0, at) + octet + text.slice(at + 1);
    } else text = text.slice(0, end) + text.slice(at);
  }
  return text;
}

/** What a page sees of the requests in a text, and what the client is answered. */
async function serveText(text: string, chunkBytes: number): Promise<unknown> {
  const [near, far] = createMemoryChannels({ chunkBytes });
  const client = new Recorder(near);
  const requests: RecordedRequest[] = [];
  serveHttp1(far, {}, (exchange) => {
    const request = new RecordedRequest(exchange);
    requests.push(request);
    request.afterEnd(() => request.answer(200));
  });
  client.send(text);
  await turn();
  const seen = requests.map((request) => ({
    head: request.head,
    body: request.body,
    trailers: request.trailers,
    ended: request.ended,
    reset: request.reset?.origin,
  }));
  near.destroy();
  return { seen, answers: client.text, ended: client.ended };
}

/** What a page sees of the answer in a text. */
async function answerText(text: string, chunkBytes: number): Promise<unknown> {
  const [near, far] = createMemoryChannels({ chunkBytes });
  const page = new Recorder(far);
  const head = await firstHead(REQUESTS[0] ?? "");
  const events: string[] = [];
  const connection = connectHttp1(near, {
    ready: () => events.push("ready"),
    retiring: () => events.push("retiring"),
    closed: () => events.push("closed"),
  });
  const response = new RecordedResponse();
  connection.request(head, true, response);
  page.send(text);
  page.channel.end();
  await turn();
  far.destroy();
  const { informational, status, body, ended, trailers, reset, fields } =
    response;
  const origin = reset?.origin;
  return { informational, status, fields, body, ended, trailers, origin };
}

async function firstHead(text: string) {
  const [near, far] = createMemoryChannels();
  const requests: RecordedRequest[] = [];
  serveHttp1(far, {}, (exchange) => {
    requests.push(new RecordedRequest(exchange));
  });
  const client = new Recorder(near);
  client.send(text);
  await client.until(() => requests.length > 0);
  near.destroy();
  const head = requests[0]?.exchange.head;
  if (head === undefined) throw new Error("no request");
  return head;
}

const LENGTH = /^content-length: /;

/** Passes the requests of a text on to another server; what both pages see. */
async function forwardText(text: string): Promise<[string[], string[]]> {
  const [near, far] = createMemoryChannels();
  const [up, origin] = createMemoryChannels();
  const before: string[] = [];
  const after: string[] = [];
  const note = (list: string[], request: RecordedRequest) => {
    // A length is written as we read it, behind the other fields (their order means nothing, RFC 9110 5.3).
    const { contentLength } = request.exchange.head;
    const head = request.head.filter((line) => !LENGTH.test(line))
      .concat(String(contentLength));
    list.push(JSON.stringify([head, request.body]));
  };
  const client = new Recorder(near);
  const upstream = connectHttp1(up, { ready() {}, retiring() {}, closed() {} });
  serveHttp1(origin, {}, (exchange) => {
    const request = new RecordedRequest(exchange);
    request.afterEnd(() => {
      note(after, request);
      request.answer(204);
    });
  });
  serveHttp1(far, {}, (exchange) => {
    const request = new RecordedRequest(exchange);
    request.afterEnd(() => {
      if (!upstream.ready) return;
      note(before, request);
      const response = new RecordedResponse();
      const { head, ended } = exchange;
      const stream: ClientStream = upstream.request(head, ended, response);
      response.responseHead = () => request.answer(204);
      if (ended) return;
      stream.data(Uint8Array.from(request.body, (char) => char.charCodeAt(0)));
      stream.end([]);
    });
  });
  client.send(text);
  for (let hop = 0; hop < 4; hop++) await turn();
  near.destroy();
  origin.destroy();
  return [before, after];
}
