// Scripts as the shells themselves read them (bash: cli/process.test.ts, with the whole command).
import { expect, test } from "bun:test";
import { completionScript } from "./completion.ts";
import { COMMANDS, GLOBAL_FLAGS } from "./program.ts";

function shell(command: readonly string[], input: string): string {
  const { stdout, stderr } = Bun.spawnSync([...command], {
    stdin: new TextEncoder().encode(input),
  });
  return stdout.toString() + stderr.toString();
}

test("zsh finds nothing wrong with its script, quotes in descriptions included", () => {
  const script = completionScript("zsh", COMMANDS, GLOBAL_FLAGS);
  expect(shell(["zsh", "-f", "-n"], script)).toBe("");
});

test("zsh offers every command and describes it", () => {
  const script = completionScript("zsh", COMMANDS, GLOBAL_FLAGS);
  const stub = `compdef() { :; }\n_describe() { print -l -- "\${(@P)2}"; }\n`;
  const offered = shell(
    ["zsh", "-f"],
    `${stub}${script}\nCURRENT=2 _linkerd\n`,
  );
  expect(offered.trim().split("\n"))
    .toEqual(COMMANDS.map(({ name, about }) => `${name}:${about}`));
});

test("fish completes commands, flags and shells", () => {
  const script = completionScript("fish", COMMANDS, GLOBAL_FLAGS);
  const ask = (line: string) =>
    shell(["fish", "--no-config"], `${script}\ncomplete -C "${line}"\n`).trim()
      .split("\n").map((offer) => offer.split("\t")[0]);
  expect(ask("linkerd uninj")).toEqual(["uninject"]);
  expect(ask("linkerd inject --manu")).toEqual(["--manual"]);
  expect(ask("linkerd completion ")).toEqual(["bash", "fish", "zsh"]);
});
