import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Problem } from "../../../schemas/problem.ts";

const ROOT = resolve(import.meta.dir, "../../..");

/** The blocks of commands in a section of a page, each a script. */
export async function readScripts(
  heading: string,
  page = "README.md",
): Promise<string[]> {
  const text = await Bun.file(join(ROOT, page)).text();
  const [, rest = ""] = text.split(`\n## ${heading}\n`);
  const [section = ""] = rest.split("\n## ");
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map((block) =>
    block[1] ?? ""
  );
}

/** Where somebody types scripts one after the other, in the folder of the repository. */
export interface Terminal {
  /** Returns what the script printed; throws as soon as one of its commands fails. */
  type(script: string): Promise<string>;
  close(): Promise<void>;
}

/** What a script exports, the next one has. */
export async function openTerminal(
  environment: Readonly<Record<string, string>>,
): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), "terminal-"));
  const exported = join(folder, "env");
  let env: Record<string, string | undefined> = {
    ...process.env,
    ...environment,
  };
  let shell: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  return {
    async type(script) {
      shell = Bun.spawn(
        ["bash", "-euo", "pipefail", "-c", `${script}\nenv -0 >${exported}`],
        { cwd: ROOT, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      );
      const [stdout, stderr, code] = await Promise.all([
        shell.stdout.text(),
        shell.stderr.text(),
        shell.exited,
      ]);
      if (code !== 0) {
        throw new Problem(
          "system.failed",
          `Exit code ${code} of:\n${script}\n${stdout}${stderr}`,
        );
      }
      const variables = (await Bun.file(exported).text()).split("\0");
      env = Object.fromEntries(variables.map((variable) => {
        const [name = "", ...value] = variable.split("=");
        return [name, value.join("=")];
      }));
      return stdout;
    },
    async close() {
      // A script that waits in vain would do so for ever.
      shell?.kill();
      await rm(folder, { recursive: true });
    },
  };
}
