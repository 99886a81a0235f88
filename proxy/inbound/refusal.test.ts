import { expect, test } from "bun:test";
import { requestHead, startServer } from "../testing/http1.ts";
import type { Exchange, ResponseHead } from "../http/message.ts";
import { linesOf } from "../testing/recorded-exchange.ts";
import { answerRefusal, type Refusal } from "./refusal.ts";

/** What a client is told: status and fields. */
function tell(
  refusal: Refusal,
  { grpc = false, informational = false } = {},
): [number, ...string[]] {
  const answers: ResponseHead[] = [];
  const exchange = {
    head: requestHead(
      "POST",
      "/",
      grpc ? { "content-type": "application/grpc" } : {},
      "2",
    ),
    respond: (head: ResponseHead) => void answers.push(head),
  };
  answerRefusal(exchange as unknown as Exchange, refusal, informational);
  const [head] = answers;
  return [head?.status ?? 0, ...linesOf(head?.fields ?? [])];
}

const ROUTE = {
  index: 0,
  meta: { group: "g", kind: "HTTPRoute", name: "secret" },
  authorizations: [],
};
const FILTERED: Refusal = {
  kind: "filtered",
  answer: { status: 302, grpc: 5, message: "redirected", location: "http://b" },
};

test.each<readonly [Refusal, number, number]>([
  [{ kind: "denied", route: ROUTE, by: "authorization" }, 403, 7],
  [{ kind: "no-route" }, 404, 5],
  [{ kind: "limited", scope: "total" }, 429, 8],
  [{ kind: "limited", scope: "override" }, 429, 8],
])(
  "%o is answered %d, of gRPC %d, and nothing more",
  (refusal, status, code) => {
    expect(tell(refusal)).toEqual([status, "content-length: 0"]);
    expect(tell(refusal, { grpc: true })).toEqual([
      200,
      "content-length: 0",
      "content-type: application/grpc",
      `grpc-status: ${code}`,
    ]);
    expect(tell(refusal, { informational: true }).join()).not.toContain(
      "secret",
    );
    expect(tell(refusal, { informational: true })[2])
      .toStartWith("l5d-proxy-error: ");
  },
);

test("a redirect says where", () => {
  expect(tell(FILTERED))
    .toEqual([302, "content-length: 0", "location: http://b"]);
  expect(tell(FILTERED, { grpc: true }))
    .toContain("grpc-status: 5");
});

test("what comes of a body behind a refusal is read and dropped", async () => {
  const { client } = startServer(({ exchange }) =>
    answerRefusal(exchange, { kind: "no-route" }, false)
  );
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
  client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await client.until(() => client.text.split("404").length === 3);
});
