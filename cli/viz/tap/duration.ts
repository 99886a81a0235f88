import type { TapDuration } from "../../../schemas/tap.ts";

const MICRO = 1_000;
const MILLI = 1_000_000;
const SECOND = 1_000_000_000;

/** Nanoseconds of what an event says. */
export function nanosOf({ seconds = 0, nanos = 0 }: TapDuration): number {
  return seconds * SECOND + nanos;
}

/** A time rounded to its unit and written as Go does, as in `870µs`, `12ms`, `1m5s`. */
export function formatNanos(nanos: number): string {
  const micros = Math.round(nanos / MICRO);
  if (micros < 1_000) return `${micros}µs`;
  const millis = Math.round(nanos / MILLI);
  if (millis < 1_000) return `${millis}ms`;
  const all = Math.round(nanos / SECOND);
  const [hours, minutes, seconds] = [
    Math.floor(all / 3_600),
    Math.floor(all / 60) % 60,
    all % 60,
  ];
  return `${hours > 0 ? `${hours}h` : ""}${
    all >= 60 ? `${minutes}m` : ""
  }${seconds}s`;
}
