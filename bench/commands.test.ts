import { expect, test } from "bun:test";
import type { CommandCase } from "./cases/cli.ts";
import { runCommands } from "./commands.ts";
import { formatTable } from "./table.ts";

const CASE: CommandCase = {
  name: "cli-case",
  about: "sleeping and failing",
  merit: { figure: "p50Ms", better: "lower" },
  commands: (many) => ({
    ours: ["-c", `test $(grep -c '^kind: Deployment' ${many}) = 1000`],
    peer: ["-c", "sleep 0.02; exit 3"],
    absent: ["-c", "exit"],
  }),
};

test("runCommands() measures whole processes, and has a row for one that is not here", async () => {
  const sh = () => Bun.which("sh");
  const rows = (await runCommands(
    [CASE],
    [
      { name: "ours", find: sh },
      { name: "peer", find: sh },
      { name: "absent", find: () => null },
    ],
    { rounds: 2, seconds: 0.01, log: () => {} },
  )).get(CASE);
  const [ours, peer, absent] = rows ?? [];
  expect(ours?.failed).toBe(0);
  expect(ours?.rssMb).toBeLessThan(30);
  expect(peer?.failed).toBeGreaterThanOrEqual(2);
  expect(peer?.p50Ms).toBeGreaterThan(20);
  expect(peer?.rssMb).toBeGreaterThan(0);
  expect(absent).toMatchObject({ p50Ms: null, rssMb: null, failed: 0 });
  const table = formatTable(CASE, rows ?? []);
  expect(table).toContain("to best peer");
  expect(table).toMatch(/^absent .* -$/m);
});
