import { html } from "hono/html";
import type { Past } from "../stats/query/past.ts";
import { perSecond } from "./figures.ts";
import type { Html } from "./layout.ts";

const WIDTH = 120;
const HEIGHT = 24;

/** Requests per second, step by step, with failures below in another colour; and the same in words. */
export function renderSparkline(past: Past | undefined, stepMs: number): Html {
  if (past === undefined) return html`<span class="quiet">none</span>`;
  const rates = past.success.map((success, at) =>
    (success + (past.failure[at] ?? 0)) / (stepMs / 1_000)
  );
  const failures = past.failure.map((failure) => failure / (stepMs / 1_000));
  const top = Math.max(...rates);
  const failed = past.failure.reduce((sum, failure) => sum + failure, 0);
  const words = `${perSecond(Math.min(...rates))} to ${
    perSecond(top)
  } requests per second, ${Math.round(failed)} failed`;
  return html`
    <svg class="spark" role="img" aria-label="${words}"
      viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}"
      height="${HEIGHT}"><title>${words}</title><path class="all" d="${area(
        rates,
        top,
      )}"/>${failed < 0.5 ? "" : html`
        <path class="failed" d="${area(failures, top)}" />
      `}</svg>
  `;
}

/** The area under a line, in whole units: relative, so that it takes few bytes. */
function area(values: readonly number[], top: number): string {
  const stepX = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, at) =>
    [
      Math.round(at * stepX),
      Math.round(HEIGHT - (top === 0 ? 0 : value / top) * (HEIGHT - 1)),
    ] as const
  );
  let [x, y] = [0, HEIGHT];
  let path = `M0 ${HEIGHT}`;
  for (const [nextX, nextY] of [...points, [WIDTH, HEIGHT] as const]) {
    path += `l${nextX - x} ${nextY - y}`;
    [x, y] = [nextX, nextY];
  }
  return `${path}z`;
}
