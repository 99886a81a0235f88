// Scripts as the shells themselves read them (bash: cli/process.test.ts, with the whole command).
import { expect, test } from "bun:test";
import { completionScript } from "./completion.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";

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

test("zsh offers a command's flags and describes them, brackets and all", () => {
  const script = completionScript("zsh", COMMANDS, GLOBAL_FLAGS);
  const stub = `compdef() { :; }\n_arguments() { print -rl -- "$@"; }\n`;
  const offered = shell(
    ["zsh", "-f"],
    `${stub}${script}\nwords=(linkerd install --)\nCURRENT=3 _linkerd\n`,
  ).split("\n");
  expect(offered).toContain("--output[Print yaml or json]:value:");
  expect(offered).toContain("--crds[Print the custom resources only]");
  expect(offered.find((spec) => spec.startsWith("--set["))).toContain(
    "list\\[0\\]=value",
  );
});

test("fish completes commands, flags and shells", () => {
  const script = completionScript("fish", COMMANDS, GLOBAL_FLAGS);
  const ask = (line: string) =>
    shell(["fish", "--no-config"], `${script}\ncomplete -C "${line}"\n`).trim()
      .split("\n").map((offer) => offer.split("\t")[0]);
  expect(ask("linkerd uninj")).toEqual(["uninject"]);
  expect(ask("linkerd inject --manu")).toEqual(["--manual"]);
  expect(ask("linkerd completion ")).toEqual(["bash", "fish", "zsh"]);
  expect(ask("linkerd diagnostics pro")).toEqual(["profile", "proxy-metrics"]);
  expect(ask("linkerd dg policy --dest")).toEqual(["--destination-pod"]);
});

test("zsh offers the commands of a group after its word", () => {
  const script = completionScript("zsh", COMMANDS, GLOBAL_FLAGS);
  const stub = `compdef() { :; }\n_describe() { print -l -- "\${(@P)2}"; }\n`;
  const offered = shell(
    ["zsh", "-f"],
    `${stub}${script}\nwords=(linkerd dg) CURRENT=3\n_linkerd\n`,
  );
  expect(offered).toContain("endpoints:Print the endpoints");
  expect(offered).not.toContain("inject:");
});

test("bash offers the commands of a group, and the flags of a command in it", () => {
  const script = completionScript("bash", COMMANDS, GLOBAL_FLAGS);
  const ask = (...words: readonly string[]) =>
    shell(
      ["bash", "--norc"],
      `${script}\nCOMP_WORDS=(${words.join(" ")} "")\nCOMP_WORDS[${
        words.length - 1
      }]=${words.at(-1)}\nCOMP_CWORD=${
        words.length - 1
      }\n_linkerd\necho "\${COMPREPLY[@]}"\n`,
    ).trim().split(" ");
  expect(ask("linkerd", "dg", "pro")).toEqual(["profile", "proxy-metrics"]);
  expect(ask("linkerd", "diagnostics", "ep", "--dest"))
    .toEqual(["--destination-pod"]);
  expect(ask("linkerd", "inject", "--manu")).toEqual(["--manual"]);
});
