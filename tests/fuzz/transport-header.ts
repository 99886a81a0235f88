import { deepEqual } from "node:assert/strict";
import { Output } from "../../proxy/channel.ts";
import {
  type ReceivedHeader,
  type TransportHeader,
  TransportHeaderReader,
  writeTransportHeader,
} from "../../proxy/wire/transport-header.ts";
import { Problem } from "../../schemas/problem.ts";
import { cut, mutate, octets, oneOf, pick, type Random } from "./target.ts";

const NAMES = ["", "web.shop.svc.cluster.local", "a", "x_1.y-2.", "A.b"];

function randomHeader(random: Random): TransportHeader {
  return {
    port: 1 + pick(random, 65_535),
    name: oneOf(random, NAMES),
    session: oneOf(random, [null, "http1", "http2"]),
  };
}

/** Reads chunks until a header is complete; how many octets were left over, too. */
function read(chunks: Iterable<Uint8Array>):
  | (ReceivedHeader & {
    readonly at: number;
  })
  | null {
  const reader = new TransportHeaderReader();
  let at = 0;
  for (const chunk of chunks) {
    const received = reader.push(chunk);
    if (received !== null) return { ...received, at: at + received.consumed };
    at += chunk.length;
  }
  return null;
}

/** A header is read as it was written, however it is cut, and what follows it is left alone. */
export function transportHeaderPair(random: Random): void {
  const header = randomHeader(random);
  const out = new Output();
  writeTransportHeader(out, header);
  const { length } = out;
  out.append(octets(random, pick(random, 20)));
  const received = read(cut(random, out.bytes.slice(0, out.length)));
  deepEqual(received?.header, header);
  deepEqual(received?.at, length);
}

/** Anything else gives a header of sound parts, waits for more, or is refused with a typed error. */
export function transportHeaderDecode(random: Random): void {
  const out = new Output();
  writeTransportHeader(out, randomHeader(random));
  const bytes = mutate(random, out.bytes.slice(0, out.length), 4);
  const outcomes = [[bytes], cut(random, bytes)].map((chunks) => {
    try {
      return read(chunks)?.header ?? "more";
    } catch (error) {
      if (error instanceof Problem && error.code === "protocol.invalid") {
        return "refused";
      }
      throw error;
    }
  });
  deepEqual(outcomes[1], outcomes[0], "it depends on how the header is cut");
}
