import { expect, test } from "bun:test";
import { join } from "node:path";
import type { StatRow } from "../../schemas/stats.ts";
import { openTerminal } from "./testing/terminal.ts";

const MAIN = join(import.meta.dir, "..", "main.ts");
const TIMEOUT_MS = 60_000;

test("a window that is too low says how much more there is", async () => {
  const rows = Array.from({ length: 20 }, (_, at): StatRow => ({
    kind: "deployment",
    namespace: "shop",
    name: `web-${at + 10}`,
    pods: { meshed: 1, running: 1 },
    golden: null,
    tcp: null,
  }));
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ rows }),
  });
  const { screen, until, resize, type, child, close } = openTerminal([
    ...[process.execPath, MAIN, "viz", "stat", "deploy", "--watch"],
    ...["--api-addr", `127.0.0.1:${server.port}`],
  ], [40, 10]);
  try {
    await until(() => screen()[9] === "… 14 more lines");
    expect(screen()[2]).toBe("NAME     MESHED   SUCCESS   RPS   LATENC");
    expect(screen()[8]).toStartWith("web-15 ");
    resize(40, 30);
    await until(() => screen().length === 23);
    expect(screen()[22]).toStartWith("web-29 ");
    type("q");
    expect(await child.exited).toBe(0);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    close();
    await server.stop(true);
  }
}, TIMEOUT_MS);
