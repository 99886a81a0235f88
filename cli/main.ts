import { cac } from "cac";
import process from "node:process";
import { VERSION } from "../schemas/version.ts";

const program = cac("linkerd");

program
  .command("version", "Print the version of this command")
  .option("--client", "Ask no cluster (this release cannot ask one)")
  .option("--short", "Print the number alone")
  .example("  linkerd version --client")
  .action(({ short }: { short?: boolean }) => {
    write(short === true ? VERSION : `Client version: ${VERSION}`);
  });

program.help();
program.version(VERSION);

try {
  program.parse(process.argv, { run: false });
  if (program.matchedCommand === undefined && program.args[0] !== undefined) {
    refuse(`unknown command "${program.args[0]}" for "linkerd"`);
  } else if (
    program.matchedCommand === undefined &&
    Object.keys(program.options).length <= 1
  ) {
    program.outputHelp();
  } else {
    await program.runMatchedCommand();
  }
} catch (error) {
  refuse(error instanceof Error ? error.message : String(error));
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

function refuse(reason: string): void {
  process.stderr.write(`Error: ${reason}\nRun 'linkerd --help' for usage.\n`);
  process.exitCode = 1;
}
