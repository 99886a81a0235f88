/** Runs a program; throws with what it said unless it succeeds. */
export async function run(
  argv: readonly string[],
  cwd?: string,
): Promise<string> {
  const child = Bun.spawn([...argv], {
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code === 0) return out;
  throw new Error(`"${argv.join(" ")}" failed: ${errors.trim() || out.trim()}`);
}
