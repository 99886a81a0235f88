import { expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { waitFor } from "./bed/wait.ts";
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

/** What demos have left or are using: folders and network namespaces. */
async function findBeds(): Promise<string[]> {
  const folders = ["/run/linkerd-beds", "/run/netns", "/etc/netns"];
  const names = await Promise.all(folders.map((folder) => readdir(folder)));
  return names.flat().filter((name) => name.startsWith("l5d-demo-")).sort();
}

test(
  "the demo ends with one JSON object that says all went well, and leaves nothing",
  async () => {
    const before = await findBeds();
    const demo = startDemo("--for", "4s", "--rate", "50", "--json");
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
        ["web", "catalog-v2", "http"],
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

test(
  "its files move a canary, deny a caller and let it call again, in the table",
  async () => {
    const demo = startDemo("--json", "--rate", "50");
    const stdout = demo.stdout.text();
    let said = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of demo.stderr) said += decoder.decode(chunk);
    })();
    const sees = (what: string, found: () => boolean): Promise<true> =>
      waitFor(() => found() || null, {
        what: () => `${what} among:\n${said}`,
        timeoutMs: 45_000,
      });
    /** The last line of the table about web and a pod. */
    const row = (pod = "orders"): string =>
      said.split("\n").findLast((line) =>
        line.startsWith("web ") && line.split(/ +/)[1] === pod
      ) ?? "";
    /** What share of the catalog's requests its new version had lately. */
    const canaryShare = (): number => {
      const [v2 = 0, ...v1] = ["catalog-v2", "catalog-1", "catalog-2"]
        .map((pod) => Number(row(pod).split(/ +/)[3] ?? 0));
      return v2 / v1.reduce((sum, rps) => sum + rps, v2);
    };
    try {
      await sees("a row", () => row().endsWith("TLSv1.3"));
      const [, folder = ""] = /Manifests .*\n +(\S+)/.exec(said) ?? [];
      await sees("a canary", () => canaryShare() > 0 && canaryShare() < 0.3);
      const canaryFile = `${folder}/canary.yaml`;
      const canary = await readFile(canaryFile, "utf8");
      const swapped = canary.replaceAll(
        /weight: (90|10)$/gm,
        (_, weight: string) => `weight: ${100 - Number(weight)}`,
      );
      await writeFile(canaryFile, swapped);
      const file = `${folder}/policy.yaml`;
      const policy = await readFile(file, "utf8");
      await writeFile(file, policy.replace(/name: web\n$/, "name: nobody\n"));
      await sees("a denial", () => row().endsWith("TLSv1.3 denied"));
      await sees("another share", () => canaryShare() > 0.7);
      await writeFile(file, policy);
      await sees("all well again", () => row().endsWith("TLSv1.3"));
    } finally {
      demo.kill("SIGINT");
    }
    const [code, report] = await Promise.all([demo.exited, stdout, reading]);
    expect(code).toBe(1);
    const { ok, edges } = JSON.parse(report) as Report;
    expect(ok).toBeFalse();
    const orders = edges.find(({ src, dst }) =>
      src === "web" && dst === "orders"
    );
    expect(orders?.denied).toBeGreaterThan(0);
    expect(orders?.successRate).toBeLessThan(1);
    expect(orders?.secured).toBeTrue();
  },
  3 * TIMEOUT_MS,
);

test.each([
  ["at the start", "bridge and node"],
  ["while the control plane comes up", null],
  ["while the shop opens", "control plane"],
  ["under load", "To try"],
])("Ctrl-C %s removes everything", async (_when, sign) => {
  const before = await findBeds();
  const demo = startDemo("--json");
  const stdout = demo.stdout.text();
  let said = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of demo.stderr) said += decoder.decode(chunk);
  })();
  await waitFor(
    async () =>
      sign === null
        ? (await findBeds()).some((name) => name.endsWith("-identity")) || null
        : said.includes(sign) || null,
    { what: () => `"${sign}" among:\n${said}` },
  );
  demo.kill("SIGINT");
  const code = await demo.exited;
  await reading;
  if (sign === "To try") {
    expect({ code, ok: (JSON.parse(await stdout) as Report).ok })
      .toEqual({ code: 0, ok: true });
  } else {expect({ code, stdout: await stdout }).toEqual({
      code: 130,
      stdout: "",
    });}
  expect(await findBeds()).toEqual(before);
}, TIMEOUT_MS);
