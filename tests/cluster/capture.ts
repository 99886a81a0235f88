/** How a program ended, and what it said. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end with `input` on stdin and `env` besides our own; whatever the exit code, the answer is returned. */
export async function capture(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string,
): Promise<Answer> {
  const child = Bun.spawn([...argv], {
    env: { ...process.env, ...env },
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
