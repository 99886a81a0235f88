import type { Field } from "../http/field.ts";
import type {
  Destination,
  Eos,
  Labels,
  Source,
  StreamId,
  TapEvent,
} from "../tap/event.ts";
import { writeTcpAddress } from "./common.ts";
import { writeMethod, writeScheme } from "./tap-words.ts";
import { Writer } from "./writer.ts";

const DIRECTIONS = { inbound: 1, outbound: 2 } as const;

/** The part of an event that says who sends; parts put together are an event, whose own part is a moment's. */
export function encodeSource(
  { direction, address, labels }: Source,
): Uint8Array {
  const writer = new Writer();
  if (address !== null) {
    writer.message(1, (inner) => writeTcpAddress(inner, address));
  }
  return writer
    .message(5, (inner) => writeLabels(inner, labels))
    .uint32(6, DIRECTIONS[direction])
    .finish();
}

/** The part that says who gets it. */
export function encodeDestination(
  { address, labels }: Destination,
): Uint8Array {
  const writer = new Writer()
    .message(2, (inner) => writeTcpAddress(inner, address));
  if (labels !== null) {
    writer.message(4, (inner) => writeLabels(inner, labels));
  }
  return writer.finish();
}

/** The part that says by which route it goes. */
export function encodeRoute(labels: Labels): Uint8Array {
  return new Writer()
    .message(7, (inner) => writeLabels(inner, labels))
    .finish();
}

/** What is an event's own. */
export function encodeMoment(event: TapEvent): Uint8Array {
  return new Writer()
    .message(3, (http) => {
      http.message(MOMENTS[event.kind], (inner) => writeMoment(inner, event));
    })
    .finish();
}

const MOMENTS = {
  "request-init": 1,
  "response-init": 2,
  "response-end": 3,
} as const;

function writeMoment(writer: Writer, event: TapEvent): void {
  writer.message(1, (inner) => writeId(inner, event.id));
  switch (event.kind) {
    case "request-init":
      writer
        .message(2, (inner) => writeMethod(inner, event.method))
        .message(3, (inner) => writeScheme(inner, event.scheme))
        .string(4, event.authority)
        .string(5, event.path);
      return writeFields(writer, 6, event.fields);
    case "response-init":
      writer
        .message(2, (inner) => writeDuration(inner, event.sinceRequestInitMs))
        .uint32(3, event.status);
      return writeFields(writer, 4, event.fields);
    case "response-end": {
      const { sinceRequestInitMs, sinceResponseInitMs } = event;
      writer.message(2, (inner) => writeDuration(inner, sinceRequestInitMs));
      if (sinceResponseInitMs !== null) {
        writer.message(3, (inner) => writeDuration(inner, sinceResponseInitMs));
      }
      writer
        .uint64(4, event.bytes)
        .message(5, (inner) => writeEos(inner, event.end));
      return writeFields(writer, 6, event.trailers);
    }
  }
}

function writeId(writer: Writer, { base, stream }: StreamId): void {
  writer.uint32(1, base).uint64(2, stream);
}

function writeEos(writer: Writer, end: Eos): void {
  if (end !== null) writer.choice(end.kind === "grpc" ? 1 : 2, end.code);
}

function writeFields(
  writer: Writer,
  number: number,
  fields: readonly Field[] | null,
): void {
  if (fields === null) return;
  writer.message(number, (headers) => {
    for (const { name, value } of fields) {
      headers.message(1, (header) => {
        header.blob(1, name.bytes).blob(2, value);
      });
    }
  });
}

function writeDuration(writer: Writer, ms: number): void {
  const nanos = Math.round(ms * 1_000_000);
  writer
    .uint64(1, Math.floor(nanos / 1_000_000_000))
    .uint32(2, nanos % 1_000_000_000);
}

function writeLabels(writer: Writer, labels: Labels): void {
  for (const name of Object.keys(labels)) {
    writer.message(1, (entry) => {
      entry.string(1, name).string(2, labels[name] ?? "");
    });
  }
}
