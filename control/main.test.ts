import { describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Destination } from "../schemas/proto/gen/destination_pb.ts";
import { createScratch } from "./testing/scratch.ts";
import { createTokenMaker } from "./testing/tokens.ts";

/** Runs `bun control/main.ts`, its log read line by line. */
function run(...argv: string[]) {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "main.ts"), ...argv],
    { stdout: "ignore", stderr: "pipe", env: { PATH: "" } },
  );
  const decoder = new TextDecoder();
  const reader = child.stderr.getReader();
  let text = "";
  /** Everything logged until a line that holds `wanted`, or the end. */
  const until = async (wanted: string): Promise<string> => {
    while (!text.includes(wanted)) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    return text;
  };
  return { child, until };
}

function portOf(log: string, name: string): string {
  return new RegExp(` ${name}=(\\d+)`).exec(log)?.[1] ?? "";
}

const LOOPBACK = ["--addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0"];

describe("bun control/main.ts", () => {
  test("exits with 64 and all mistakes on a wrong command line", async () => {
    const { child, until } = run("identity", "--addr=x", "--what");
    const text = await until("--help lists");
    expect(await child.exited).toBe(64);
    expect(text).toContain("Cannot start, 3 mistakes:");
  });

  test("exits with 1 when the folder of manifests is not there", async () => {
    const { child, until } = run(
      ...["destination", "--source=files", "--manifests=/nowhere"],
      ...[...LOOPBACK, "--policy-addr=127.0.0.1:0"],
    );
    expect(await until("level=error")).toContain("/nowhere");
    expect(await child.exited).toBe(1);
  });

  test("identity makes an issuer at its first run and ends with 0 on SIGTERM", async () => {
    await using folder = await createScratch();
    const keys = join(folder.path, "keys.json");
    await writeFile(keys, (await createTokenMaker()).keySet);
    const argv = [
      ...["identity", "--source=files", `--token-keys=${keys}`, ...LOOPBACK],
      `--identity-issuer=${join(folder.path, "issuer")}`,
      `--identity-trust-anchors=${join(folder.path, "anchors.crt")}`,
    ];
    const first = run(...argv);
    expect(await first.until("msg=serving")).toContain("issuer generated");
    first.child.kill("SIGTERM");
    expect(await first.child.exited).toBe(0);
    const second = run(...argv);
    const log = await second.until("msg=serving");
    expect(log).not.toContain("issuer generated");
    const ready = await fetch(
      `http://127.0.0.1:${portOf(log, "admin")}/ready`,
    );
    expect(await ready.text()).toBe("ok\n");
    second.child.kill("SIGINT");
    expect(await second.child.exited).toBe(0);
  });

  test("destination ends its streams with OK on SIGTERM", async () => {
    await using folder = await createScratch();
    const manifests = join(folder.path, "manifests");
    await mkdir(manifests);
    await writeFile(
      join(manifests, "web.yaml"),
      "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {clusterIP: 10.0.0.5, ports: [{port: 80}]}\n",
    );
    const { child, until } = run(
      ...["destination", "--source=files", `--manifests=${manifests}`],
      ...[...LOOPBACK, "--policy-addr=127.0.0.1:0"],
    );
    const port = portOf(await until("msg=serving"), "destination");
    const baseUrl = `http://127.0.0.1:${port}`;
    const client = createClient(Destination, createGrpcTransport({ baseUrl }));
    const updates = client.get({ path: "web.shop.svc.cluster.local:80" })
      [Symbol.asyncIterator]();
    expect((await updates.next()).value.update.case).toBe("noEndpoints");
    child.kill("SIGTERM");
    expect((await updates.next()).done).toBe(true);
    expect(await child.exited).toBe(0);
  });
});
