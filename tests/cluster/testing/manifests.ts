/** An object of an install, as `linkerd install -o json` prints it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** What `linkerd install` prints for a control plane in a namespace, object by object. */
export async function renderInstall(
  namespace: string,
  ...flags: readonly string[]
): Promise<readonly Manifest[]> {
  const child = Bun.spawn(
    [
      ...[process.execPath, "cli/main.ts", "install", "--ignore-cluster"],
      ...["-o", "json", "-L", namespace, ...flags],
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [out, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`linkerd install: ${errors}`);
  return out.trim().split("\n").map((line) => JSON.parse(line));
}

/** Manifests as one input for kubectl. */
export function toList(items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
