// Whatever HTTP/1 says comes out of two proxies as it went in, though between them it was HTTP/2: random messages, over
// random cuts, held against what RFC 9110 and the mesh say must change.
import { expect, test } from "bun:test";
import type { Channel } from "../proxy/channel.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "../proxy/http1/limits.ts";
import { seeded } from "../proxy/http2/testing/random.ts";
import { Recorder, turn } from "../proxy/testing/recorder.ts";
import { oneOf, pick, type Random } from "./fuzz/target.ts";
import { type Message, parseMessage, valuesOf } from "./testing/http1-text.ts";
import { CALLER_ID, openProxyPair } from "./testing/proxy-pair.ts";

/** Pairs of proxies, clients of each, and exchanges of each client: some three seconds. */
const PAIRS = 40;
const CLIENTS = 4;
const EXCHANGES = 12;

/** Octets of a chunk, and of a body, at most. */
const CUTS = [[1, 300], [7, 3_000], [5_000, 100_000], [
  Infinity,
  200_000,
]] as const;

type Fields = readonly (readonly [string, string])[];

/** A body as it is sent. */
interface Body {
  readonly text: string;
  readonly framing: Message["framing"];
  readonly trailers: Fields;
}

interface Plan {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly version: "1.0" | "1.1";
  readonly host: string;
  readonly fields: Fields;
  readonly body: Body;
  readonly informational: Fields | null;
  readonly status: number;
  readonly responseFields: Fields;
  readonly responseBody: Body;
}

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "BREW",
];
const TARGETS = ["/", "/a/b?c=d&e", "/%7Ea;x=1/..//b", "/\xe4", "/?"];
const STATUSES = [200, 201, 204, 206, 301, 304, 404, 418, 500, 503];
const NAMES = [
  ...["Accept", "user-agent", "X-Twice", "x-twice", "Cookie", "Authorization"],
  ...["Set-Cookie", "Content-Type", "Date", "Server", "Via", "X-Forwarded-For"],
  ...["Forwarded", "Cache-Control", "Link", "x!#$%&'*+-.^_`|~9"],
];
const VALUES = ["", "a", "a, b", '"q\\""', "v".repeat(3_000), "\xff\x80\t~"];
/** What is between neighbours only, or between proxies. */
const DROPPED: Fields = [
  ["Connection", "x-private"],
  ["X-Private", "1"],
  ["Keep-Alive", "timeout=5"],
  ["Proxy-Connection", "keep-alive"],
  ["l5d-orig-proto", "HTTP/1.0; absolute-form"],
];
const DROPPED_FROM_REQUESTS: Fields = [
  ["TE", "gzip"],
  ["l5d-client-id", "somebody.else"],
];
const DROPPED_FROM_RESPONSES: Fields = [
  ["l5d-proxy-error", "made up"],
  ["l5d-proxy-connection", "close"],
];

function randomFields(random: Random): [string, string][] {
  return Array.from({ length: pick(random, 8) }, () => [
    oneOf(random, NAMES),
    random() < 0.5 ? oneOf(random, VALUES) : randomText(random, 40, 0x21),
  ]);
}

/** Some of the fields, mixed with those that will not arrive. */
function withDropped(random: Random, fields: Fields, dropped: Fields): Fields {
  if (random() < 0.5) return fields;
  const mixed = [...fields];
  for (const field of [...DROPPED, ...dropped]) {
    mixed.splice(pick(random, mixed.length + 1), 0, field);
  }
  return mixed;
}

/** Characters of one octet each, from `first` on, DEL excepted. */
function randomText(random: Random, length: number, first: number): string {
  return Array.from({ length: pick(random, length) }, () => {
    const code = first + pick(random, 256 - first);
    return String.fromCharCode(code === 0x7f ? 0x61 : code);
  }).join("");
}

function randomBody(
  random: Random,
  most: number,
  framings: readonly Body["framing"][],
): Body {
  const framing = oneOf(random, framings);
  return {
    framing,
    text: framing === "none"
      ? ""
      : randomText(random, oneOf(random, [2, most]), 0),
    trailers: framing === "chunked" && random() < 0.5
      ? [["X-Sum", randomText(random, 20, 0x21)], ["X-Sum", "again"]]
      : [],
  };
}

function randomPlan(random: Random, id: string, most: number): Plan {
  const version = random() < 0.85 ? "1.1" : "1.0";
  const method = oneOf(random, METHODS);
  const status = oneOf(random, STATUSES);
  const path = method === "OPTIONS" && random() < 0.5
    ? "*"
    : oneOf(random, TARGETS);
  const absolute = path !== "*" && random() < 0.2;
  const bodies = ["none", "length"] as const;
  return {
    id,
    method,
    target: absolute ? `http://elsewhere.test:8080${path}` : path,
    version,
    host: oneOf(random, ["shop.test", "shop.test:80", "[::1]:80"]),
    fields: withDropped(random, randomFields(random), DROPPED_FROM_REQUESTS),
    body: randomBody(
      random,
      most,
      version === "1.0" ? bodies : [...bodies, "chunked"],
    ),
    informational: version === "1.1" && random() < 0.1
      ? randomFields(random)
      : null,
    status,
    responseFields: withDropped(
      random,
      randomFields(random),
      DROPPED_FROM_RESPONSES,
    ),
    responseBody: method === "HEAD" || status === 204 || status === 304
      ? { text: "", framing: "none", trailers: [] }
      : randomBody(random, most, ["length", "chunked", "close"]),
  };
}

const lines = (fields: Fields): string =>
  fields.map(([name, value]) => `${name}:  ${value}\t\r\n`).join("");

function formatBody(random: Random, { framing, text, trailers }: Body): string {
  if (framing === "none") return "\r\n";
  if (framing === "close") return `connection: close\r\n\r\n${text}`;
  if (framing === "length") {
    return `Content-Length: ${text.length}\r\n\r\n${text}`;
  }
  let chunks = "";
  for (let at = 0; at < text.length;) {
    const size = 1 + pick(random, text.length);
    const chunk = text.slice(at, at + size);
    const extension = random() < 0.1 ? ";x=y" : "";
    chunks += `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`;
    at += size;
  }
  return `Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${
    lines(trailers)
  }\r\n`;
}

function formatRequest(random: Random, plan: Plan): string {
  const { method, target, version, host, fields, body } = plan;
  const connection = version === "1.0" ? "connection: keep-alive\r\n" : "";
  return `${method} ${target} HTTP/${version}\r\nX-Id: ${plan.id}\r\n` +
    `${connection}host: ${host}\r\n${lines(fields)}${formatBody(random, body)}`;
}

function formatResponse(random: Random, plan: Plan): string {
  const { status, informational, responseFields, responseBody } = plan;
  const early = informational === null
    ? ""
    : `HTTP/1.1 103 Early Hints\r\n${lines(informational)}\r\n`;
  return `${early}HTTP/1.1 ${status} Whatever\r\n${lines(responseFields)}` +
    formatBody(random, responseBody);
}

const GONE = new Set(
  [...DROPPED, ...DROPPED_FROM_REQUESTS, ...DROPPED_FROM_RESPONSES]
    .map(([name]) => name.toLowerCase()),
);
/** Fields that say how a body is framed, where a request goes, or what this test is about. */
const APART = new Set(["content-length", "transfer-encoding", "host", "x-id"]);

/** What must arrive of fields: all, in order, but those of one hop. */
function kept(fields: Fields): (readonly [string, string])[] {
  return fields.map(([name, value]) =>
    [name.toLowerCase(), value.replace(/^[ \t]+|[ \t]+$/g, "")] as const
  ).filter(([name]) => !GONE.has(name));
}

function others(fields: Fields): Fields {
  return fields.filter(([name]) => !APART.has(name));
}

function expectRequest(plan: Plan, seen: Message): void {
  const { method, target, version, host, body } = plan;
  expect(seen.start).toBe(`${method} ${target} HTTP/${version}`);
  expect(valuesOf(seen.fields, "host")).toEqual([host]);
  expect(others(seen.fields).filter(([name]) => name !== "connection"))
    .toEqual([...kept(plan.fields), ["l5d-client-id", CALLER_ID]]);
  expectBody(seen, body, "chunked");
  expect(seen.trailers).toEqual(kept(body.trailers));
}

function expectResponse(plan: Plan, seen: Message): void {
  const { status, version, responseBody } = plan;
  expect(seen.start).toStartWith(`HTTP/${version} ${status} `);
  expect(others(seen.fields).filter(([name]) => name !== "connection"))
    .toEqual(kept(plan.responseFields));
  // Without a length the end is marked as the client understands it.
  const unknown = version === "1.1" ? "chunked" : "close";
  expectBody(seen, responseBody, unknown);
  expect(seen.trailers)
    .toEqual(unknown === "chunked" ? kept(responseBody.trailers) : []);
}

function expectBody(
  seen: Message,
  { text, framing, trailers }: Body,
  unknown: Message["framing"],
): void {
  expect(seen.body === text).toBeTrue();
  // HTTP/2 tells no body from an empty one.
  if (text === "" && trailers.length === 0) return;
  const known = framing === "none" || framing === "length";
  expect(seen.framing).toBe(known ? framing : unknown);
}

/** Answers each request by its plan, and notes it. */
function serveApp(
  random: Random,
  plans: ReadonlyMap<string, Plan>,
  seen: Map<string, Message>,
): (channel: Channel) => void {
  return (channel) => {
    let text = "";
    let waiting: ReturnType<typeof setImmediate> | null = null;
    const answer = (): void => {
      const message = parseMessage(text, { kind: "request" });
      if (message === null) return;
      text = text.slice(message.size);
      const [id = ""] = valuesOf(message.fields, "x-id");
      const plan = plans.get(id);
      if (plan === undefined) throw new Error(`no plan for "${id}"`);
      seen.set(id, message);
      channel.write(octetsOf(formatResponse(random, plan)));
      if (plan.responseBody.framing === "close") channel.end();
    };
    channel.attach({
      data(chunk) {
        text += Buffer.from(chunk).toString("latin1");
        waiting ??= setImmediate(() => {
          waiting = null;
          answer();
        });
      },
      end: () => channel.end(),
      drain() {},
      close() {},
    });
  };
}

const octetsOf = (text: string): Uint8Array =>
  Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Sends a request and resolves with the responses, informational ones first; `client` may be used again if not ended. */
async function ask(
  client: Recorder,
  text: string,
  plan: Plan,
): Promise<Message[]> {
  client.take();
  client.send(text);
  const messages: Message[] = [];
  let rest = "";
  for (;;) {
    const { method } = plan;
    rest += client.take();
    const { ended } = client;
    const message = parseMessage(rest, { kind: "response", method, ended });
    if (message === null) {
      if (ended) throw new Error(`cut off after ${JSON.stringify(rest)}`);
      await turn();
      continue;
    }
    messages.push(message);
    rest = rest.slice(message.size);
    if (!/^HTTP\/1.1 1/.test(message.start)) {
      expect(rest).toBe("");
      return messages;
    }
  }
}

test("heads as large as HTTP/1 allows pass, both ways", async () => {
  const random = seeded(0);
  const plans = new Map<string, Plan>();
  const seen = new Map<string, Message>();
  const pair = openProxyPair(serveApp(random, plans, seen), () => ({}));
  const large = (name: string, octets: number): Fields =>
    Array.from(
      { length: MAX_FIELDS - 5 },
      (_, at) => [`${name}-${at}`, "v".repeat(octets / MAX_FIELDS)],
    );
  const plan: Plan = {
    ...randomPlan(random, "large", 1),
    version: "1.1",
    fields: large("x-asked", MAX_HEAD_BYTES - 3_000),
    responseFields: large("x-answered", MAX_HEAD_BYTES - 3_000),
    informational: null,
  };
  plans.set(plan.id, plan);
  const client = new Recorder(pair.connect());
  const [response] = await ask(client, formatRequest(random, plan), plan);
  expect(response?.start).toContain(` ${plan.status} `);
  if (response !== undefined) expectResponse(plan, response);
  pair.close();
});

test("HTTP/1 comes out of a pair of proxies as it went in", async () => {
  for (let seed = 0; seed < PAIRS; seed++) {
    const random = seeded(seed);
    const plans = new Map<string, Plan>();
    const seen = new Map<string, Message>();
    // Octets one by one take their time.
    const [chunkBytes, most] = oneOf(random, CUTS);
    const pair = openProxyPair(serveApp(random, plans, seen), () => ({
      chunkBytes,
      highWaterBytes: oneOf(random, [1, 10_000, 200_000]),
    }));
    const talk = async (name: string): Promise<void> => {
      let client = new Recorder(pair.connect());
      for (let at = 0; at < EXCHANGES; at++) {
        const plan = randomPlan(random, `${name}.${at}`, most);
        plans.set(plan.id, plan);
        if (client.ended) client = new Recorder(pair.connect());
        const responses = await ask(client, formatRequest(random, plan), plan);
        const request = seen.get(plan.id);
        if (request === undefined) throw new Error(`${plan.id} never arrived`);
        expectRequest(plan, request);
        const last = responses.pop();
        if (last !== undefined) expectResponse(plan, last);
        expect(responses.map(({ fields }) => fields))
          .toEqual(
            plan.informational === null ? [] : [kept(plan.informational)],
          );
      }
      client.channel.destroy();
    };
    try {
      await Promise.all(
        Array.from({ length: CLIENTS }, (_, at) => talk(`client-${at}`)),
      );
    } catch (error) {
      throw new Error(`with seed ${seed}`, { cause: error });
    } finally {
      pair.close();
    }
  }
}, 60_000);
