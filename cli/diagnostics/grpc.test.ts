import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Destination,
  UpdateSchema,
} from "../../schemas/proto/gen/destination_pb.ts";
import { frame } from "./frames.ts";
import { openGrpc } from "./grpc.ts";

/** How a gRPC server may answer, by the path that is asked for. */
const ANSWERS: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  // Servers in Go refuse so: everything in the headers, no body.
  "trailers-only": (stream) =>
    stream.respond({
      ":status": 200,
      "grpc-status": "3",
      "grpc-message": "Invalid authority: caf%C3%A9",
    }, { endStream: true }),
  pieces: (stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on(
      "wantTrailers",
      () => stream.sendTrailers({ "grpc-status": "0" }),
    );
    const bytes = Buffer.concat([update(true), update(false)]);
    for (const byte of bytes) stream.write(Buffer.of(byte));
    stream.end();
  },
  "never-ends": (stream) => {
    stream.respond({ ":status": 200 });
    stream.write(update(true));
  },
  "no-status": (stream) => {
    stream.respond({ ":status": 200 });
    stream.end();
  },
  html: (stream) => {
    stream.respond({ ":status": 404 });
    stream.end();
  },
};

function update(exists: boolean): Buffer {
  const message = create(UpdateSchema, {
    update: { case: "noEndpoints", value: { exists } },
  });
  return Buffer.from(frame(toBinary(UpdateSchema, message)));
}

let server: Http2Server;
let url: string;

beforeAll(async () => {
  server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    let asked = "";
    stream.on("data", (chunk) => asked += String(chunk));
    stream.on("end", () => {
      Object.entries(ANSWERS).find(([name]) => asked.includes(name))?.[1](
        stream,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => void server.close());

/** What a call yields, and how it ends. */
async function ask(path: string, at = url): Promise<unknown[]> {
  const client = openGrpc(at);
  const seen: unknown[] = [];
  const call = client.call(
    Destination.method.get,
    { path },
    AbortSignal.timeout(5_000),
  );
  try {
    for await (const { update } of call) {
      seen.push(update.case === "noEndpoints" && update.value.exists);
      if (path === "never-ends") break;
    }
    return [...seen, "ended"];
  } catch (error) {
    return [...seen, (error as Error).message];
  } finally {
    client.close();
  }
}

test("messages are put together from any pieces", async () => {
  expect(await ask("pieces")).toEqual([true, false, "ended"]);
});

test("a refusal without a body is said in Go's words", async () => {
  expect(await ask("trailers-only")).toEqual([
    "rpc error: code = InvalidArgument desc = Invalid authority: café",
  ]);
});

test("a caller may leave a stream that never ends", async () => {
  expect(await ask("never-ends")).toEqual([true, "ended"]);
});

test("an answer without a status is no success", async () => {
  expect(await ask("no-status")).toEqual([
    "rpc error: code = Unavailable desc = the stream ended without a status",
  ]);
  expect(await ask("html")).toEqual([
    "rpc error: code = Unknown desc = unexpected HTTP status 404",
  ]);
});

test("nobody there is said so", async () => {
  const [message] = await ask("pieces", "http://127.0.0.1:1");
  expect(message).toContain("rpc error: code = Unavailable desc = ");
  expect(message).toContain("ECONNREFUSED");
});
