import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { type Bed, openBed } from "./bed.ts";
import type { Pod } from "./pod.ts";
import type { Service } from "./service.ts";
import { waitFor } from "./wait.ts";

/** Answers with its name and the address its client comes from. */
const WHO =
  `Bun.serve({ port: 80, hostname: "0.0.0.0", fetch: (request, server) =>
  new Response(process.env.NAME + " " + server.requestIP(request).address) });
  console.log("ready")`;

const said: string[] = [];
let bed: Bed;
let client: Pod;
let one: Pod;
let two: Pod;
let who: Service;

async function addServer(name: string): Promise<Pod> {
  const pod = await bed.addPod({ name, namespace: "test", meshed: false });
  await pod.run(["bun", "-e", WHO], { env: { NAME: name } }).line("ready");
  return pod;
}

/** What a fetch inside a pod gets, or the name of its failure. */
async function get(from: Pod, url: string): Promise<string> {
  const script = `console.log(await fetch("${url}", { keepalive: false })
    .then((r) => r.text(), (e) => e.code))`;
  return (await from.exec(["bun", "-e", script])).stdout.trim();
}

beforeAll(async () => {
  bed = await openBed({ name: "bedtest", log: (line) => said.push(line) });
  [client, one, two] = await Promise.all([
    bed.addPod({ name: "client", namespace: "test", meshed: false }),
    addServer("one"),
    addServer("two"),
  ]);
  who = await bed.addService({
    name: "who",
    namespace: "test",
    ports: [{ port: 8080, targetPort: 80 }],
    pods: [one],
  });
});

afterAll(() => bed.close());

test("pods reach each other by address, with their own as the source", async () => {
  expect(await get(client, `http://${one.ip}`)).toBe(`one ${client.ip}`);
});

test("a service's address leads to its endpoints and keeps the client's address", async () => {
  expect(await get(client, `http://${who.clusterIp}:8080`))
    .toBe(`one ${client.ip}`);
});

test("a service's names resolve, short ones in the same namespace only", async () => {
  const other = await bed.addPod({ name: "other", meshed: false });
  expect(await get(client, "http://who:8080")).toBe(`one ${client.ip}`);
  for (const name of ["who.test", "who.test.svc", who.host]) {
    expect(await get(other, `http://${name}:8080`)).toBe(`one ${other.ip}`);
  }
  expect(await get(other, "http://who:8080")).not.toStartWith("one");
});

test("a pod reaches itself through its service", async () => {
  expect(await get(one, "http://who:8080")).toStartWith("one ");
});

test("a service's endpoints can change, and none means connection refused", async () => {
  await who.setEndpoints([one, two]);
  await waitFor(
    async () =>
      (await get(client, "http://who:8080")).startsWith("two") || null,
    { what: () => "an answer of the second endpoint" },
  );
  await who.setEndpoints([]);
  expect(await get(client, "http://who:8080")).toBe("ECONNREFUSED");
  await who.setEndpoints([one]);
});

test("a headless service's name means its pods", async () => {
  await bed.addService({
    name: "all",
    namespace: "test",
    headless: true,
    ports: [80],
    pods: [two],
  });
  expect(await get(client, "http://all.test.svc")).toBe(`two ${client.ip}`);
});

test("an edit of a manifest by hand takes effect, a broken one is told and changes nothing", async () => {
  const path = `${bed.layout.manifests}/test.service.who.yaml`;
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replaceAll("8080", "9090"));
  await waitFor(
    async () =>
      (await get(client, "http://who:9090")).startsWith("one") || null,
    { what: () => "the service on its new port" },
  );
  await writeFile(path, "kind: [");
  await waitFor(() => said.at(-1)?.includes("test.service.who.yaml") || null, {
    what: () => "a complaint that names the file",
  });
  expect(await get(client, "http://who:9090")).toBe(`one ${client.ip}`);
  await writeFile(path, text);
});

test("names that no service has fail at once inside the pod", async () => {
  const capture = await bed.capture("udp port 53");
  expect(await get(client, "http://example.com")).not.toContain("<");
  expect((await capture.stop()).includes("example")).toBe(false);
});

test("a capture holds what crossed the bridge, to the last packet", async () => {
  const marker = crypto.randomUUID();
  const capture = await bed.capture();
  await get(client, `http://${one.ip}/${marker}`);
  expect((await capture.stop()).includes(marker)).toBe(true);
});

test("programs run without privileges and see the repository", async () => {
  const script =
    "console.log(process.getuid(), await Bun.file('deno.json').exists())";
  expect((await client.exec(["bun", "-e", script])).stdout.trim())
    .toBe("2000 true");
});

test("a removed pod is gone; a closed bed leaves nothing behind", async () => {
  const brief = await openBed({ name: "brief" });
  const pod = await brief.addPod({ name: "one", meshed: false });
  const sleeper = pod.run(["sleep", "1000"]);
  await pod.remove();
  expect((await sleeper.exited).code).toBe(137);
  await brief.addPod({ name: "two", meshed: false });
  await brief.close();
  const left = [
    ...await readdir("/run/netns"),
    ...await readdir("/etc/netns"),
    ...await readdir("/run/linkerd-beds"),
  ];
  expect(left.filter((name) => name.startsWith(brief.layout.id))).toEqual([]);
});

test("the bed of a process that died is removed by the next, with all that ran in it", async () => {
  const crash = `
    const { openBed } = await import("${import.meta.dir}/bed.ts");
    const bed = await openBed({ name: "crashed" });
    await bed.addPod({ name: "one", meshed: false });
    console.log(bed.layout.id);
    process.kill(process.pid, "SIGKILL");`;
  const child = Bun.spawn([process.execPath, "-e", crash], { stdout: "pipe" });
  const id = (await child.stdout.text()).trim();
  // Its output ends before the process does.
  await child.exited;
  expect(await readdir("/run/netns")).toContain(`${id}.one`);
  const next = await openBed({ name: "next", log: () => {} });
  expect(await readdir("/run/netns")).not.toContain(`${id}.one`);
  expect(await readdir("/run/netns")).toContain(client.netns);
  await next.close();
});
