import { afterEach, expect, test } from "bun:test";
import {
  appendFile,
  mkdtemp,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ObjectEvent } from "../source.ts";
import { recordLogs } from "../testing/logs.ts";
import { toYaml } from "../testing/folder.ts";
import {
  podManifest,
  serverManifest,
  serviceManifest,
} from "../testing/objects.ts";
import { idOfObject } from "./parse.ts";
import { type FilesSource, openFilesSource } from "./source.ts";

const EDIT_MAX_MS = 100;

let dir: string;
let source: FilesSource;
let watching: AbortController;
let logs: ReturnType<typeof recordLogs>;
let events: string[];
let wake: () => void;

afterEach(async () => {
  watching.abort();
  await rm(dir, { recursive: true, force: true });
});

async function open(files: Readonly<Record<string, string>>): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), "manifests-"));
  watching = new AbortController();
  logs = recordLogs();
  events = [];
  wake = () => {};
  for (const [file, text] of Object.entries(files)) await save(file, text);
  const emit = (batch: readonly ObjectEvent[]): void => {
    for (const { kind, object } of batch) {
      events.push(`${kind} ${idOfObject(object)}`);
    }
    wake();
  };
  source = await openFilesSource({
    dir,
    emit,
    log: logs.log,
    signal: watching.signal,
    rescanMs: 60_000,
  });
}

function save(file: string, text: string): Promise<void> {
  return writeFile(join(dir, file), text);
}

/** The events since last taken, as soon as there are `count`. */
async function take(count: number): Promise<string[]> {
  while (events.length < count) {
    await new Promise<void>((resolve) => wake = resolve);
  }
  return events.splice(0);
}

const WEB = serviceManifest("web", "10.43.0.1");
const API = serviceManifest("api", "10.43.0.2");
const POD = podManifest("a", "10.1.0.1");

test("files: documents, lists and JSON are read; other kinds are counted", async () => {
  await open({
    "a.yaml": `# nothing but a comment\n---\n${toYaml([WEB, API])}---\n`,
    "b.yml": `apiVersion: v1\nkind: List\nitems:\n- ${JSON.stringify(POD)}\n`,
    "c.json": JSON.stringify(serverManifest("s"), null, "\t"),
    "d.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
    "notes.txt": "not: [a manifest",
    ".hidden.yaml": "not: [a manifest",
    "a.yaml~": "not: [a manifest",
  });
  expect(await take(4)).toEqual([
    "apply Service shop/web",
    "apply Service shop/api",
    "apply Pod shop/a",
    "apply Server shop/s",
  ]);
  expect(source.problems()).toEqual([]);
  expect(source.sizes()).toEqual({ files: 4, objects: 4, skipped: 1 });
});

test("files: a broken file keeps its last good state, is named with line and field, and stops no other", async () => {
  await open({ "web.yaml": toYaml([WEB]), "api.yaml": toYaml([API]) });
  await take(2);
  await save(
    "web.yaml",
    `apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ports:
  - name: http
    port: "80"
`,
  );
  const line = await logs.until("Cannot read Service shop/web");
  expect(line).toContain("level=error");
  expect(line).toContain("file=web.yaml line=9 field=");
  expect(line).toContain("spec.ports[0].port");
  expect(line).toContain(
    'is \\"80\\", expected a whole number from 1 to 65535',
  );
  expect(source.problems()).toMatchObject([
    { file: "web.yaml", line: 9, field: "spec.ports[0].port" },
  ]);
  await save("api.yaml", toYaml([API, POD]));
  expect(await take(1)).toEqual(["apply Pod shop/a"]);

  await save("web.yaml", "kind: [Service\n");
  await logs.until("Cannot read YAML");
  expect(source.sizes().objects).toBe(3);
  await save("web.yaml", toYaml([WEB]));
  await logs.until("manifest is good again");
  expect(source.problems()).toEqual([]);
  expect(events).toEqual([]);
});

test("files: what is not enforced is refused with its whole file", async () => {
  await open({ "web.yaml": toYaml([WEB]) });
  await take(1);
  const refused: [manifest: Record<string, unknown>, says: string][] = [
    ...[
      ["policy.linkerd.io/v1alpha1", "NewPolicy"],
      ["linkerd.io/v1alpha2", "ServiceCatalog"],
      ["workload.linkerd.io/v1beta2", "ExternalWorkload"],
    ].map(([apiVersion, kind]): [Record<string, unknown>, string] => [
      { apiVersion, kind, metadata: { name: "x" } },
      `does not enforce ${kind} (${apiVersion})`,
    ]),
  ];
  for (const [at, [manifest, says]] of refused.entries()) {
    // Beside a new object, which must not be applied either, and without the one known, which must stay.
    await save("web.yaml", toYaml([API, { ...manifest, at }]));
    await logs.until(says);
    expect(source.problems()).toMatchObject([
      { file: "web.yaml", code: "manifest.unsupported" },
    ]);
    await save("web.yaml", toYaml([WEB]));
    while (source.problems().length > 0) await Bun.sleep(1);
  }
  expect(events).toEqual([]);
});

test("files: of two that have the same object the first holds, and the second takes over", async () => {
  await open({ "1.yaml": toYaml([WEB]), "2.yaml": toYaml([API]) });
  await take(2);
  const other = serviceManifest("web", "10.43.0.9");
  await save("2.yaml", toYaml([API, other]));
  const line = await logs.until("Cannot use Service shop/web");
  expect(line).toContain("1.yaml:");
  expect(line).toContain("file=2.yaml");
  expect(events).toEqual([]);
  await rm(join(dir, "1.yaml"));
  expect(await take(1)).toEqual(["apply Service shop/web"]);
  await logs.until("manifest is good again");
  expect(source.problems()).toEqual([]);
});

test("files: an object twice in one file is refused", async () => {
  await open({ "1.yaml": toYaml([WEB, WEB]) });
  await logs.until("line 2 of the same file has it already");
  expect(events).toEqual([]);
});

test("files: saves of every kind arrive within 100 ms, without objects that come and go", async () => {
  await open({ "web.yaml": toYaml([WEB, API]) });
  await take(2);
  const tookMs: number[] = [];
  const after = async (act: () => Promise<void>): Promise<string[]> => {
    await act();
    const from = performance.now();
    const taken = await take(1);
    tookMs.push(performance.now() - from);
    return taken;
  };
  const edited = (ip: string) => toYaml([serviceManifest("web", ip), API]);
  // In place, as `echo >` does: emptied first, then written in pieces.
  const pieces = edited("10.43.0.2");
  expect(
    await after(async () => {
      await save("web.yaml", "");
      await save("web.yaml", pieces.slice(0, 40));
      await appendFile(join(dir, "web.yaml"), pieces.slice(40));
    }),
  ).toEqual(["apply Service shop/web"]);
  // Written beside and moved over, as most editors do.
  expect(
    await after(async () => {
      await save(".web.yaml.swp", edited("10.43.0.3"));
      await rename(join(dir, ".web.yaml.swp"), join(dir, "web.yaml"));
    }),
  ).toEqual(["apply Service shop/web"]);
  // The old one moved away, the new one written, as vim does with `backupcopy=no`.
  expect(
    await after(async () => {
      await rename(join(dir, "web.yaml"), join(dir, "web.yaml~"));
      await save("web.yaml", edited("10.43.0.4"));
    }),
  ).toEqual(["apply Service shop/web"]);
  // Renamed and edited.
  expect(
    await after(async () => {
      await rename(join(dir, "web.yaml"), join(dir, "shop.yaml"));
      await save("shop.yaml", toYaml([WEB, API]));
    }),
  ).toEqual(["apply Service shop/web"]);
  for (const ms of tookMs) expect(ms).toBeLessThan(EDIT_MAX_MS);
  expect(source.problems()).toEqual([]);
});

test("files: an object removed from a file, or with it, is deleted", async () => {
  await open({ "web.yaml": toYaml([WEB, API]) });
  await take(2);
  await save("web.yaml", toYaml([WEB]));
  expect(await take(1)).toEqual(["delete Service shop/api"]);
  await rm(join(dir, "web.yaml"));
  expect(await take(1)).toEqual(["delete Service shop/web"]);
});

test("files: when the folder vanishes what it held stays, and is read anew when it is back", async () => {
  await open({ "web.yaml": toYaml([WEB]) });
  await take(1);
  const away = `${dir}-away`;
  await rename(dir, away);
  await writeFile(join(away, "nudge.yaml"), "");
  await logs.until("Cannot read the folder of manifests");
  expect(events).toEqual([]);
  await writeFile(join(away, "web.yaml"), toYaml([WEB, API]));
  await rename(away, dir);
  await save("nudge.yaml", "---\n");
  expect(await take(1)).toEqual(["apply Service shop/api"]);
});

test("files: without notifications the slow look finds what changed", async () => {
  dir = await mkdtemp(join(tmpdir(), "manifests-"));
  watching = new AbortController();
  logs = recordLogs();
  events = [];
  wake = () => {};
  const inner = join(dir, "mounted");
  source = await openFilesSource({
    dir,
    emit: (batch) => {
      events.push(...batch.map(({ object }) => idOfObject(object)));
      wake();
    },
    log: logs.log,
    signal: watching.signal,
    rescanMs: 20,
  });
  // A link to a folder: what changes behind it is not notified here.
  const behind = await mkdtemp(join(tmpdir(), "manifests-"));
  await writeFile(join(behind, "web.yaml"), toYaml([WEB]));
  await symlink(behind, inner);
  expect(await take(1)).toEqual(["Service shop/web"]);
  await writeFile(join(behind, "api.yaml"), toYaml([API]));
  expect(await take(1)).toEqual(["Service shop/api"]);
  await rm(behind, { recursive: true });
});

test("openFilesSource() refuses a folder that is none", async () => {
  await open({ "file": "" });
  for (const name of ["nowhere", "file"]) {
    const opening = openFilesSource({
      dir: join(dir, name),
      emit: () => {},
      log: logs.log,
      signal: watching.signal,
    });
    expect(opening).rejects.toMatchObject({ code: "config.invalid" });
  }
});
