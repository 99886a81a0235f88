import { stat } from "node:fs/promises";
import { run } from "./run.ts";

/** A layer of an image, as files on disk. */
export interface Layer {
  /** The gzipped tar. */
  readonly path: string;
  /** SHA-256 of the gzipped tar, and of the plain one. */
  readonly digest: string;
  readonly diffId: string;
  readonly bytes: number;
  readonly packedBytes: number;
}

/**
 * Packs a folder as a layer, the same bytes for the same contents: sorted, owned by root, without times. File
 * capabilities are kept.
 */
export async function packLayer(folder: string, tar: string): Promise<Layer> {
  await run([
    ...["tar", "--create", "--file", tar, "--directory", folder],
    ...["--sort=name", "--mtime=@0", "--owner=0", "--group=0"],
    ...["--numeric-owner", "--format=posix"],
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    ...["--xattrs", "--xattrs-include=security.capability", "."],
  ]);
  const diffId = await digestOf(tar);
  const { size: bytes } = await stat(tar);
  await run(["gzip", "--no-name", "--force", tar]);
  const path = `${tar}.gz`;
  const { size: packedBytes } = await stat(path);
  return { path, diffId, bytes, packedBytes, digest: await digestOf(path) };
}

/** SHA-256 of a file, in hex. */
async function digestOf(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return hash.digest("hex");
}
