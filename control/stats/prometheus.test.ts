// What is said when a Prometheus cannot be asked; what it answers is compared in agreement.test.ts.
import { afterAll, expect, test } from "bun:test";
import { createPrometheusReadings, selectorOf } from "./prometheus.ts";

let answer: () => Response | Promise<Response>;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => answer(),
});
afterAll(() => server.stop(true));

async function failure(said: () => Response): Promise<string> {
  answer = said;
  const url = `http://ann:secret@127.0.0.1:${server.port}/prom?token=secret`;
  const asked = createPrometheusReadings(url, Date.now)
    .latest({ metric: "x", labels: [] }, []);
  return await asked.then(() => "", String);
}

test.each<[string, () => Response, string]>([
  ["no JSON", () => new Response("<html>"), "JSON"],
  ["nothing", () => Response.json(null), "does not answer as a Prometheus"],
  [
    "a redirect",
    () => Response.redirect("http://169.254.169.254/", 302),
    "redirect",
  ],
  [
    "words that are long, and commands for terminals",
    () => Response.json({ error: `\u001b[2J${"x".repeat(10_000)}` }),
    "\\u001b[2Jxxx",
  ],
])(
  "an answer that is %s is told in short, without a password",
  async (_, said, why) => {
    const told = await failure(said);
    expect(told).toContain(
      `Cannot ask Prometheus at http://127.0.0.1:${server.port}/prom: `,
    );
    expect(told.toLowerCase()).toContain(why.toLowerCase());
    expect(told).not.toContain("secret");
    expect(told).not.toContain("\u001b");
    expect(told.length).toBeLessThan(600);
  },
);

test("an answer without end is given up", async () => {
  const megabyte = new Uint8Array(1 << 20).fill(32);
  const told = await failure(() =>
    new Response(
      new ReadableStream({ pull: (stream) => stream.enqueue(megabyte) }),
    )
  );
  expect(told).toContain("more than");
});

test("no text of a question leaves its quotes", () => {
  const value = '"} or {x="\\\n';
  const labels = [{ label: "pod", is: "=" as const, value }];
  expect(selectorOf({ metric: "x", labels }))
    .toBe(String.raw`x{pod="\"} or {x=\"\\\n"}`);
});

test("however many ask, a Prometheus answers a few at a time, and all", async () => {
  let underWay = 0;
  let most = 0;
  answer = async () => {
    most = Math.max(most, ++underWay);
    await Bun.sleep(5);
    underWay--;
    return Response.json({ status: "success", data: { result: [] } });
  };
  const readings = createPrometheusReadings(server.url.href, Date.now);
  const asked = { metric: "x", labels: [] };
  const answers = Array.from(
    { length: 100 },
    () => readings.increase(asked, [], 60_000),
  );
  expect((await Promise.all(answers)).flat()).toEqual([]);
  expect(most).toBe(16);
});
