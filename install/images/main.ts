// npm run images: the images of proxy and controller as OCI archives, without a registry and without a daemon.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_REGISTRY } from "../../schemas/values/proxy-defaults.ts";
import { VERSION } from "../../schemas/version.ts";
import { writeArchive } from "./archive.ts";
import { IMAGES, LAYERS } from "./contents.ts";
import { type Layer, packLayer } from "./layer.ts";
import { run } from "./run.ts";

const HELP = `Makes the images of proxy and controller as OCI archives.

  npm run images                         into dist/images
  npm run images -- --output /tmp/images somewhere else
  npm run images -- --load               and into containerd (k8s.io), as a node sees them
  npm run images -- --folders /tmp/root  only the contents of each layer, for a Containerfile
`;

const { values: flags } = parseArgs({
  options: {
    output: { type: "string", default: "dist/images" },
    load: { type: "boolean", default: false },
    folders: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (flags.help) process.stdout.write(HELP);
else if (flags.folders !== undefined) await fillAll(flags.folders);
else await build(flags.output, flags.load);

/** The contents of every layer, a folder each. */
async function fillAll(work: string): Promise<void> {
  for (const { name, about, fill } of LAYERS) {
    say(`layer ${name}: ${about}`);
    const folder = join(work, name);
    await mkdir(folder, { recursive: true });
    await fill(folder);
  }
}

async function build(output: string, load: boolean): Promise<void> {
  await mkdir(output, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "images-"));
  try {
    await fillAll(work);
    const layers = new Map<string, Layer>();
    for (const { name } of LAYERS) {
      const packed = await packLayer(
        join(work, name),
        join(work, `${name}.tar`),
      );
      layers.set(name, packed);
    }
    for (const image of IMAGES) {
      const own = image.layers.flatMap((name) => layers.get(name) ?? []);
      const reference = `${DEFAULT_REGISTRY}/${image.name}:${VERSION}`;
      const path = join(output, `${image.name}.tar`);
      await writeArchive(image, reference, own, join(work, image.name), path);
      say(`${path}: ${reference}, ${sizes(own)}`);
      if (load) await run(["ctr", "-n", "k8s.io", "images", "import", path]);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function sizes(layers: readonly Layer[]): string {
  const total = (of: (layer: Layer) => number) =>
    (layers.map(of).reduce((sum, bytes) => sum + bytes, 0) / 1e6).toFixed(1);
  return `${total(({ bytes }) => bytes)} MB unpacked, ${
    total(({ packedBytes }) => packedBytes)
  } MB to pull`;
}

function say(line: string): void {
  process.stderr.write(`images: ${line}\n`);
}
