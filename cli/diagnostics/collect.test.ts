import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { UpdateSchema } from "../../schemas/proto/gen/destination_pb.ts";
import { collectEndpoints } from "./collect.ts";
import type { GrpcClient } from "./grpc.ts";

type Update = NonNullable<MessageInitShape<typeof UpdateSchema>["update"]>;

const REQUEST = { path: "web.shop.svc.cluster.local:80", contextToken: "" };
/** An hour stands for never. */
const NEVER_MS = 3_600_000;

function address(last: number) {
  return {
    ip: { ip: { case: "ipv4", value: 0x0a00_0000 + last } },
    port: 80,
  } as const;
}

function add(...last: readonly number[]): Update {
  return {
    case: "add",
    value: {
      metricLabels: { namespace: "shop", service: "web" },
      addrs: last.map((one) => ({
        addr: address(one),
        weight: 1,
        metricLabels: { pod: `web-${one}` },
      })),
    },
  };
}

/** A controller that says this, and then nothing until it is left. */
function controller(...updates: readonly Update[]): Pick<GrpcClient, "call"> {
  async function* call(_: unknown, __: unknown, signal: AbortSignal) {
    for (const update of updates) yield create(UpdateSchema, { update });
    await new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve())
    );
  }
  return { call: call as unknown as GrpcClient["call"] };
}

async function collect(
  patience: { totalMs: number; quietMs: number },
  ...updates: readonly Update[]
): Promise<string[]> {
  const endless = new AbortController().signal;
  const found = await collectEndpoints(
    controller(...updates),
    REQUEST,
    patience,
    endless,
  );
  return found.map(({ ip, pod, service }) => `${ip} ${pod} ${service}`);
}

test("endpoints are complete when the controller falls silent", async () => {
  const patience = { totalMs: NEVER_MS, quietMs: 1 };
  expect(await collect(patience, add(1), add(2, 3))).toEqual([
    "10.0.0.1 web-1 web.shop",
    "10.0.0.2 web-2 web.shop",
    "10.0.0.3 web-3 web.shop",
  ]);
});

test("what is taken back is not among them", async () => {
  const patience = { totalMs: NEVER_MS, quietMs: 1 };
  const remove: Update = { case: "remove", value: { addrs: [address(1)] } };
  const none: Update = { case: "noEndpoints", value: { exists: true } };
  expect(await collect(patience, add(1, 2), remove))
    .toEqual(["10.0.0.2 web-2 web.shop"]);
  expect(await collect(patience, add(1, 2), none)).toEqual([]);
});

test("a controller that goes on and on is left in the end", async () => {
  expect(await collect({ totalMs: 1, quietMs: NEVER_MS }, add(1)))
    .toHaveLength(1);
});

test("one that never says a word has not answered", async () => {
  await expect(collect({ totalMs: 1, quietMs: NEVER_MS })).rejects.toThrow(
    "rpc error: code = DeadlineExceeded desc = no answer about web.shop.svc.cluster.local:80 within 1 ms",
  );
});
