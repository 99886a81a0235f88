import { system } from "../../demo/bed/system.ts";
import type { Layout } from "./layout.ts";
import { onNetwork } from "./node/namespaces.ts";
import { readRecord } from "./record.ts";

/** Asks etcd, in the JSON of its own gateway, for the revision it is at, and has it forget all before. */
const SCRIPT = `
const ask = async (path, body) => {
  const answer = await fetch(process.argv[1] + path, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return await answer.json();
};
const { header: { revision } } = await ask("/v3/kv/range", { key: btoa("/") });
await ask("/v3/kv/compaction", { revision, physical: true });`;

/** Makes etcd forget its history: who watches and was away has missed something, and is told so (HTTP 410). */
export async function compact({ home, record }: Layout): Promise<void> {
  const found = readRecord(record);
  const node = found?.daemons.find(({ name }) => name === "node");
  if (found === null || node === undefined) {
    throw new TypeError(`Cannot find a node in ${home}`);
  }
  const etcd = `http://127.0.0.1:${found.ports.etcd}`;
  await system([...onNetwork(node), process.execPath, "-e", SCRIPT, etcd]);
}
