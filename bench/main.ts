/** `bun bench/main.ts`: our proxies beside their peers, on the same work in the same run. */
import { Problem } from "../schemas/problem.ts";
import type { Case } from "./case.ts";
import { CASES } from "./cases.ts";
import { COMMAND_CASES } from "./cases/cli.ts";
import { CONTROL_CASES } from "./cases/control.ts";
import { runCommands } from "./commands.ts";
import { type Options, parseOptions } from "./options.ts";
import type { Row } from "./result.ts";
import { runRounds, WARM_UP_SECONDS } from "./rounds.ts";
import { openStage, type Stage } from "./stage.ts";
import type { Running, Subject } from "./subject.ts";
import { SUBJECTS } from "./subjects.ts";
import { PROGRAMS } from "./subjects/command.ts";
import { formatTable } from "./table.ts";

/** sysexits.h EX_USAGE: the command line cannot be used. */
const EXIT_USAGE = 64;

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), {
      cases: [...CASES, ...COMMAND_CASES, ...CONTROL_CASES].map(({ name }) =>
        name
      ),
      subjects: namesOf([
        ...SUBJECTS,
        ...CASES.flatMap(({ subjects = [] }) => subjects),
        ...PROGRAMS,
      ]),
    });
    await runAll(options, untilInterrupted());
    return 0;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    log(problem.message);
    if (problem.hint !== undefined) log(`  ${problem.hint}`);
    return problem.code === "config.invalid" ? EXIT_USAGE : 1;
  }
}

/** Rejects when the user has had enough. */
function untilInterrupted(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(
      signal,
      () => reject(new Problem("system.failed", `Stopped by ${signal}`)),
    );
  }
  promise.catch(() => "it is reported by whoever waits at that moment");
  return promise;
}

async function runAll(
  options: Options,
  interrupted: Promise<never>,
): Promise<void> {
  const cases = CASES.filter(({ name }) => isWanted(name, options.only));
  const plan = cases.map((one) => ({
    one,
    subjects: (one.subjects ?? SUBJECTS).filter(({ name, carries }) =>
      isWanted(name, options.subjects) && carries.includes(one.carries)
    ),
  }));
  const runs = plan.reduce((sum, { subjects }) => sum + subjects.length, 0);
  const seconds = runs * options.rounds * (WARM_UP_SECONDS + options.seconds);
  log(`${runs} subjects in ${cases.length} cases, about ${seconds} s of load`);
  const rows: Row[] = [];
  for (const { one, subjects } of plan) {
    const found = await runCase(one, subjects, options, interrupted);
    const table = `${formatTable(one, found)}\n`;
    (options.json ? process.stderr : process.stdout).write(table);
    rows.push(...found);
  }
  rows.push(...await runCommandCases(options));
  rows.push(...await runControlCases(options));
  if (options.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
}

/** Cases of whole processes need no bed. */
async function runCommandCases(options: Options): Promise<Row[]> {
  const cases = COMMAND_CASES.filter(({ name }) =>
    isWanted(name, options.only)
  );
  if (cases.length === 0) return [];
  const programs = PROGRAMS.filter(({ name }) =>
    isWanted(name, options.subjects)
  );
  const found = await runCommands(cases, programs, { ...options, log });
  for (const [one, rows] of found) {
    const table = `${formatTable(one, rows)}\n`;
    (options.json ? process.stderr : process.stdout).write(table);
  }
  return [...found.values()].flat();
}

/** Cases of the control plane need no bed either, but an API server. */
async function runControlCases(options: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of CONTROL_CASES) {
    if (!isWanted(one.name, options.only)) continue;
    const found = await one.run({ ...options, log });
    const table = `${formatTable({ ...one, merit: null }, found)}\n`;
    (options.json ? process.stderr : process.stdout).write(table);
    rows.push(...found);
  }
  return rows;
}

/** Names, each once: our proxy and our command are both ours. */
function namesOf(subjects: readonly { readonly name: string }[]): string[] {
  return [...new Set(subjects.map(({ name }) => name))];
}

/** A case in a bed of its own: what one case leaves in a proxy's memory is not counted in the next. */
async function runCase(
  one: Case,
  subjects: readonly Subject[],
  options: Options,
  interrupted: Promise<never>,
): Promise<Row[]> {
  const stage = await openStage(log);
  try {
    const rows = startAll(stage, subjects).then(async (running) =>
      await runRounds(one, running, {
        ...options,
        folder: await stage.folder("load"),
        log,
      })
    );
    return await Promise.race([rows, interrupted]);
  } finally {
    await stage.bed.close();
  }
}

async function startAll(
  stage: Stage,
  subjects: readonly Subject[],
): Promise<Map<string, Running>> {
  const running = new Map<string, Running>();
  for (const subject of subjects) {
    running.set(subject.name, await subject.start(stage));
  }
  return running;
}

/** An empty list of wishes means everything. */
function isWanted(name: string, wishes: readonly string[]): boolean {
  return wishes.length === 0 || wishes.includes(name);
}

process.exitCode = await main();
