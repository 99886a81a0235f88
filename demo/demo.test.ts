import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import type { Edge } from "./edges.ts";

/** Start, a few seconds of load and the end, on a machine that is busy with other tests. */
const TIMEOUT_MS = 60_000;

interface Report {
  readonly ok: boolean;
  readonly seconds: number;
  readonly edges: readonly Edge[];
  readonly pods: readonly {
    readonly name: string;
    readonly meshed: boolean;
    readonly rssMb: number | null;
    readonly privateDirtyMb: number | null;
  }[];
}

function startDemo(...flags: string[]) {
  return Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`, ...flags], {
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function findBeds(): Promise<string[]> {
  return (await readdir("/run/linkerd-beds"))
    .filter((name) => name.startsWith("l5d-demo-"));
}

test(
  "the demo ends with one JSON object that says all went well, and leaves nothing",
  async () => {
    const before = await findBeds();
    const demo = startDemo("--for", "4s", "--json");
    const [stdout, stderr, code] = await Promise.all([
      demo.stdout.text(),
      demo.stderr.text(),
      demo.exited,
    ]);
    expect({ code, faults: stderr.match(/^not well.*$/gm) }).toEqual({
      code: 0,
      faults: null,
    });
    const { ok, seconds, edges, pods } = JSON.parse(stdout) as Report;
    expect(ok).toBe(true);
    expect(seconds).toBeGreaterThan(4);
    const find = (src: string, dst: string) =>
      edges.find((edge) => edge.src === src && edge.dst === dst);
    for (
      const [src, dst, protocol] of [
        ["load", "web", "http"],
        ["web", "catalog-1", "http"],
        ["web", "catalog-2", "http"],
        ["web", "orders", "http"],
        ["web", "pricing", "grpc"],
        ["web", "cart", "tcp"],
      ] as const
    ) {
      const edge = find(src, dst);
      const account = dst.replace(/-\d$/, "");
      expect(edge).toMatchObject({
        protocol,
        secured: true,
        tls: "TLSv1.3",
        clientId: `${src}.shop.serviceaccount.identity.linkerd.cluster.local`,
        serverId:
          `${account}.shop.serviceaccount.identity.linkerd.cluster.local`,
        successRate: 1,
      });
      expect(edge?.requests).toBeGreaterThan(0);
    }
    expect(find("web", "legacy")).toMatchObject({ secured: false, tls: null });
    expect(find("unmeshed", "catalog-1") ?? find("unmeshed", "catalog-2"))
      .toMatchObject({ secured: false, protocol: "http" });
    const legacy = pods.find(({ name }) => name === "legacy");
    expect(legacy).toMatchObject({ meshed: false, rssMb: null });
    expect(pods.find(({ name }) => name === "web")?.rssMb).toBeGreaterThan(1);
    expect(await findBeds()).toEqual(before);
  },
  TIMEOUT_MS,
);

test("Ctrl-C removes everything, also while the mesh comes up", async () => {
  const before = await findBeds();
  const demo = startDemo("--json");
  const reader = demo.stderr.getReader();
  await reader.read();
  expect(await findBeds()).toHaveLength(before.length + 1);
  demo.kill("SIGINT");
  expect(await demo.exited).toBe(130);
  expect(await demo.stdout.text()).toBe("");
  expect(await findBeds()).toEqual(before);
}, TIMEOUT_MS);
