/** A worker that posts a tick number at each moment of a schedule: it may sleep, the page that sends may not. */

export interface Schedule {
  /** Of the first tick, as `performance.timeOrigin + performance.now()`. */
  readonly startAtMs: number;
  readonly stepMs: number;
  readonly ticks: number;
}

const never = new Int32Array(new SharedArrayBuffer(4));

addEventListener("message", ({ data }: MessageEvent<Schedule>) => {
  for (let tick = 0; tick < data.ticks; tick++) {
    const dueAtMs = data.startAtMs + tick * data.stepMs;
    const leftMs = dueAtMs - (performance.timeOrigin + performance.now());
    if (leftMs > 0) Atomics.wait(never, 0, 0, leftMs);
    postMessage(tick);
  }
});
