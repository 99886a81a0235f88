import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "./contents.ts";
import type { Layer } from "./layer.ts";
import { run } from "./run.ts";

const MEDIA = "application/vnd.oci.image";

/** Debian's and Node's words for machines to those of images. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
};

/** What an archive refers to: bytes by their SHA-256. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes an image as an OCI archive (image-spec 1.1): a tar of `oci-layout`, `index.json` and blobs, which docker,
 * podman, skopeo and containerd read.
 */
export async function writeArchive(
  image: Image,
  reference: string,
  layers: readonly Layer[],
  folder: string,
  path: string,
): Promise<void> {
  const blobs = join(folder, "blobs/sha256");
  await mkdir(blobs, { recursive: true });

  async function addJson(
    mediaType: string,
    value: unknown,
  ): Promise<Descriptor> {
    const text = JSON.stringify(value);
    const digest = new Bun.CryptoHasher("sha256").update(text).digest("hex");
    await writeFile(join(blobs, digest), text);
    return { mediaType, digest: `sha256:${digest}`, size: text.length };
  }

  for (const { path, digest } of layers) {
    await copyFile(path, join(blobs, digest));
  }
  const config = await addJson(`${MEDIA}.config.v1+json`, {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: "linux",
    config: {
      User: image.user,
      Env: ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Entrypoint: image.entrypoint,
      WorkingDir: "/",
    },
    rootfs: {
      type: "layers",
      diff_ids: layers.map(({ diffId }) => `sha256:${diffId}`),
    },
  });
  const manifest = await addJson(`${MEDIA}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config,
    layers: layers.map(({ digest, packedBytes }) => ({
      mediaType: `${MEDIA}.layer.v1.tar+gzip`,
      digest: `sha256:${digest}`,
      size: packedBytes,
    })),
  });
  await writeFile(
    join(folder, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${MEDIA}.index.v1+json`,
      manifests: [{
        ...manifest,
        annotations: {
          // The first is containerd's, the second everybody else's.
          "io.containerd.image.name": reference,
          "org.opencontainers.image.ref.name": reference.split(":").at(-1),
        },
      }],
    }),
  );
  await writeFile(
    join(folder, "oci-layout"),
    JSON.stringify({ imageLayoutVersion: "1.0.0" }),
  );
  await run(["tar", "--create", "--file", path, "--directory", folder, "."]);
}
