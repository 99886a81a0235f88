/**
 * `bun bench/micro/main.ts`: what the JavaScript of a proxy pair costs for one HTTP/1 request, without sockets or TLS:
 * time, and garbage by type of object. For comparing two versions of the code; run it alternately with both.
 */
import { edenGC, fullGC, heapStats } from "bun:jsc";
import { parseArgs } from "node:util";
import type { Channel } from "../../proxy/channel.ts";
import { createPair } from "./pair.ts";
import { createRequests, RESPONSE } from "./traffic.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "32" },
    requests: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
  },
});
/** Few enough to fit into the young generation, so that no collection hides what was allocated. */
const COUNTED_REQUESTS = 500;
/** Types fewer than this many of which are made per request are not shown. */
const SHOWN = 0.05;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Clients in a closed loop; `run` answers when so many more requests were answered. */
function createLoad(fields: "few" | "many", connections: number) {
  const requests = createRequests(fields);
  const connect = createPair((app) =>
    app.attach({ ...SILENT, data: () => void app.write(RESPONSE) })
  );
  let sent = 0;
  let answered = 0;
  let wanted = 0;
  let finish = (): void => {};
  const send = (client: Channel): void => {
    if (sent < wanted) client.write(requests[sent++ % requests.length] ?? NONE);
  };
  const clients = Array.from({ length: connections }, () => {
    const client = connect();
    client.attach({
      ...SILENT,
      data() {
        if (++answered === wanted) finish();
        else send(client);
      },
    });
    return client;
  });
  return (count: number): Promise<void> =>
    new Promise((resolve) => {
      wanted += count;
      finish = resolve;
      for (const client of clients) send(client);
    });
}

type Run = ReturnType<typeof createLoad>;

async function measureTime(run: Run): Promise<string> {
  const requests = Number(values.requests);
  const perRequest: number[] = [];
  await run(requests);
  for (let round = 0; round < Number(values.rounds); round++) {
    const before = process.cpuUsage();
    await run(requests);
    const { user, system } = process.cpuUsage(before);
    perRequest.push((user + system) / requests);
  }
  perRequest.sort((a, b) => a - b);
  const middle = perRequest[perRequest.length >> 1] ?? NaN;
  return `${middle.toFixed(2)} us of CPU (best ${perRequest[0]?.toFixed(2)})`;
}

async function countObjects(run: Run, collect: () => void): Promise<string> {
  fullGC();
  const before = heapStats().objectTypeCounts;
  await run(COUNTED_REQUESTS);
  collect();
  const after = heapStats().objectTypeCounts;
  return Object.entries(after)
    .map(([type, count]) =>
      [type, (count - (before[type] ?? 0)) / COUNTED_REQUESTS] as const
    )
    .filter(([, made]) => made > SHOWN)
    .sort(([, a], [, b]) => b - a)
    .map(([type, made]) => `${made.toFixed(1)} ${type}`)
    .join(", ");
}

const SILENT = { data() {}, end() {}, drain() {}, close() {} };
const NONE = new Uint8Array(0);

for (const fields of ["few", "many"] as const) {
  const run = createLoad(fields, Number(values.connections));
  const time = await measureTime(run);
  print(`${fields} fields: ${time} per request`);
  print(`  made: ${await countObjects(run, () => {})}`);
  const left = await countObjects(run, edenGC);
  print(`  left by a young collection: ${left === "" ? "nothing" : left}`);
}
process.exit();
