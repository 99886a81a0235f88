import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandCase } from "./cases/cli.ts";
import { latencyOf, type Row, type Sample, summarize } from "./result.ts";
import type { Program } from "./subjects/command.ts";

export interface CommandOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
}

const DEPLOYMENT = join(
  import.meta.dir,
  "../install/testdata/deployment.input.yml",
);
const DEPLOYMENTS = 1_000;

/** Runs cases of whole processes, round by round in turns; a program that is not here has a row of nothing. */
export async function runCommands(
  cases: readonly CommandCase[],
  programs: readonly Program[],
  options: CommandOptions,
): Promise<ReadonlyMap<CommandCase, Row[]>> {
  const folder = mkdtempSync(join(tmpdir(), "linkerd-bench-"));
  try {
    const many = join(folder, "many.yml");
    const one = readFileSync(DEPLOYMENT, "utf8");
    writeFileSync(many, Array(DEPLOYMENTS).fill(one).join("---\n"));
    const found = new Map(
      programs.map(({ name, find }) => [name, find(folder, options.log)]),
    );
    const rows = new Map<CommandCase, Row[]>();
    for (const one of cases) {
      const commands = Object.entries(one.commands(many))
        .filter(([name]) => found.has(name))
        .map(([name, args]) => ({ name, path: found.get(name) ?? null, args }));
      rows.set(one, await runCase(one, commands, options));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Line {
  readonly name: string;
  readonly path: string | null;
  readonly args: readonly string[];
}

async function runCase(
  one: CommandCase,
  lines: readonly Line[],
  { rounds, seconds, log }: CommandOptions,
): Promise<Row[]> {
  const samples = new Map<string, Sample[]>(
    lines.map(({ name }) => [name, []]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { name, path, args } of lines) {
      if (path === null) continue;
      const sample = await runFor(seconds, [path, ...args]);
      samples.get(name)?.push(sample);
      log(
        `${one.name} ${round + 1}/${rounds} ${name}: p50Ms ${
          sample.load.latency?.p50Ms.toFixed(1)
        }`,
      );
    }
  }
  return [...samples].map(([name, all]) => summarize(one.name, name, all));
}

/** Runs a command again and again for so many seconds, at least once. */
async function runFor(
  seconds: number,
  argv: readonly string[],
): Promise<Sample> {
  const rssMb = await peakMemory(argv);
  const start = performance.now();
  const durations: number[] = [];
  let [failed, cpuMs] = [0, 0];
  while (
    durations.length === 0 || performance.now() - start < seconds * 1_000
  ) {
    const run = await runOnce(argv);
    durations.push(run.ms);
    failed += run.failed ? 1 : 0;
    cpuMs += run.cpuMs;
  }
  return {
    load: {
      seconds: (performance.now() - start) / 1_000,
      requests: durations.length,
      failed,
      latency: latencyOf(Float64Array.from(durations)),
      bytes: null,
    },
    // Of what is gone nobody knows how much memory was its own.
    cost: { cpuMs, rssMb, privateDirtyMb: null },
  };
}

async function runOnce(argv: readonly string[]) {
  const start = performance.now();
  const child = spawn(argv);
  const code = await child.exited;
  return {
    ms: performance.now() - start,
    failed: code !== 0,
    cpuMs: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1_000,
  };
}

/**
 * The most memory that a command has, in a run of its own that is watched all the while. The kernel's own answer for a
 * process that has ended counts what its parent had when it was forked.
 */
async function peakMemory(argv: readonly string[]): Promise<number> {
  const child = spawn(argv);
  let peakKb = 0;
  while (child.exitCode === null && child.signalCode === null) {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8")
      .catch(() => "");
    peakKb = Math.max(
      peakKb,
      Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0),
    );
    await Bun.sleep(1);
  }
  return peakKb / 1_024;
}

function spawn(argv: readonly string[]) {
  return Bun.spawn([...argv], {
    env: { HOME: "/nonexistent" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}
