/** `bun bench/main.ts`: our proxies beside their peers, on the same work in the same run. */
import { Problem } from "../schemas/problem.ts";
import { CASES } from "./cases.ts";
import { type Options, parseOptions } from "./options.ts";
import type { Row } from "./result.ts";
import { runRounds } from "./rounds.ts";
import { openStage, type Stage } from "./stage.ts";
import type { Running, Subject } from "./subject.ts";
import { SUBJECTS } from "./subjects.ts";
import { formatTable } from "./table.ts";

/** sysexits.h EX_USAGE: the command line cannot be used. */
const EXIT_USAGE = 64;

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), {
      cases: CASES.map(({ name }) => name),
      subjects: SUBJECTS.map(({ name }) => name),
    });
    const stage = await openStage(log);
    const interrupted = Promise.withResolvers<never>();
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () =>
        interrupted.reject(
          new Problem("system.failed", `Stopped by ${signal}`),
        ));
    }
    try {
      await Promise.race([runAll(stage, options), interrupted.promise]);
    } finally {
      await stage.bed.close();
    }
    return 0;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    log(problem.message);
    if (problem.hint !== undefined) log(`  ${problem.hint}`);
    return problem.code === "config.invalid" ? EXIT_USAGE : 1;
  }
}

async function runAll(stage: Stage, options: Options): Promise<void> {
  const cases = CASES.filter(({ name }) => isWanted(name, options.only));
  const wanted = SUBJECTS.filter(({ name, carries }) =>
    isWanted(name, options.subjects) &&
    cases.some((one) => carries.includes(one.carries))
  );
  const running = new Map<Subject, Running>();
  for (const subject of wanted) {
    log(`starting ${subject.name}`);
    running.set(subject, await subject.start(stage));
  }
  const folder = await stage.folder("load");
  const rows: Row[] = [];
  for (const one of cases) {
    const able = [...running].filter(([{ carries }]) =>
      carries.includes(one.carries)
    );
    const found = await runRounds(
      one,
      new Map(able.map(([{ name }, started]) => [name, started])),
      { ...options, folder, log },
    );
    rows.push(...found);
    const table = `${formatTable(one, found)}\n`;
    (options.json ? process.stderr : process.stdout).write(table);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
}

/** An empty list of wishes means everything. */
function isWanted(name: string, wishes: readonly string[]): boolean {
  return wishes.length === 0 || wishes.includes(name);
}

process.exitCode = await main();
