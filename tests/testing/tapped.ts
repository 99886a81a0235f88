import { fromBinary } from "@bufbuild/protobuf";
import { FrameReader } from "../../proxy/grpc/frames.ts";
import { Taps } from "../../proxy/tap/taps.ts";
import type { Tap, Watcher } from "../../proxy/tap/tap.ts";
import type { ObserveRequest } from "../../proxy/wire/tap.ts";
import {
  type TapEvent,
  TapEventSchema,
} from "../../schemas/proto/gen/tap_pb.ts";

/** Somebody who watches, and what they have seen. */
export class Seen implements Watcher {
  readonly events: TapEvent[] = [];
  over = false;
  /** False: reads one more, and then nothing until `tap.resume`. */
  reading = true;
  readonly tap: Tap;
  private readonly frames = new FrameReader();

  constructor(taps: Taps, request: Partial<ObserveRequest> = {}) {
    const all = { kind: "all", matches: [] } as const;
    const tap = taps.open(
      { limit: 100, match: all, fields: false, ...request },
      this,
    );
    if (tap === null) throw new Error("too many taps");
    this.tap = tap;
  }

  event(frames: Uint8Array): boolean {
    this.frames.push(
      frames,
      (message) =>
        void this.events.push(fromBinary(TapEventSchema, message.slice())),
    );
    return this.reading;
  }

  finished(): void {
    this.over = true;
  }

  /** One line for each event: the request's number, what happened, and how. */
  get lines(): string[] {
    return this.events.map(formatEvent);
  }
}

/** An event in a line, such as `0 responseInit 200`. */
export function formatEvent(event: TapEvent): string {
  const moment = event.event.value?.event;
  const id = String(moment?.value?.id?.stream);
  switch (moment?.case) {
    case "requestInit":
      return `${id} requestInit ${moment.value.authority}${moment.value.path}`;
    case "responseInit":
      return `${id} responseInit ${moment.value.httpStatus}`;
    case "responseEnd": {
      const end = moment.value.eos?.end;
      const how = end?.case === undefined ? "" : ` ${end.case} ${end.value}`;
      return `${id} responseEnd ${moment.value.responseBytes}${how}`;
    }
    default:
      return "nothing";
  }
}
