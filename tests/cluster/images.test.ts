// The images of `npm run images`, unpacked and run as a container would: their own root, their user, nothing else.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

setDefaultTimeout(180_000);

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "images-test-"));
  await succeed("bun", "install/images/main.ts", "--output", join(home, "a"));
  for (const name of ["proxy", "controller"]) await unpack(name);
}, 180_000);
afterAll(() => rm(home, { recursive: true, force: true }));

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

async function execute(...argv: readonly string[]): Promise<Answer> {
  const child = Bun.spawn([...argv], { stdout: "pipe", stderr: "pipe" });
  const [out, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out, errors };
}

async function succeed(...argv: readonly string[]): Promise<string> {
  const { code, out, errors } = await execute(...argv);
  expect({ code, errors: code === 0 ? "" : errors })
    .toEqual({ code: 0, errors: "" });
  return out;
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/** Unpacks an archive's layers, base first, to `<home>/<name>.root`. */
async function unpack(name: string): Promise<void> {
  const folder = join(home, name);
  const root = `${folder}.root`;
  await mkdir(folder);
  await mkdir(root);
  await succeed("tar", "-xf", join(home, "a", `${name}.tar`), "-C", folder);
  for (const { digest } of (await manifestOf(name)).layers) {
    await succeed(
      ...["tar", "-xzf", blob(name, digest), "-C", root],
      ...["--xattrs", "--xattrs-include=security.capability"],
    );
  }
}

function blob(name: string, digest: string): string {
  return join(home, name, "blobs", digest.replace(":", "/"));
}

async function manifestOf(name: string): Promise<Manifest> {
  const index = await Bun.file(join(home, name, "index.json")).json();
  return await Bun.file(blob(name, index.manifests[0].digest)).json();
}

/** As a container runtime: a process and mount namespace of its own, a root that cannot be written, /proc. */
const CONTAINER = `
root=$1 user=$2; shift 2
mount --bind "$root" "$root" && mount --mkdir -t proc proc "$root/proc" &&
mount -o remount,bind,ro "$root" &&
exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot --userspec="$user" "$root" "$@"`;

/** Runs a program of an image as its user, with nothing around it. */
function inside(image: string, user: string, ...argv: readonly string[]) {
  return execute(
    ...["unshare", "--mount", "--pid", "--fork", "sh", "-c", CONTAINER, "sh"],
    ...[join(home, `${image}.root`), user, ...argv],
  );
}

test("blobs are what their names say, and the runtime is one layer of both", async () => {
  for (const name of ["proxy", "controller"]) {
    for (const digest of await readdir(join(home, name, "blobs/sha256"))) {
      const file = Bun.file(join(home, name, "blobs/sha256", digest));
      const hash = new Bun.CryptoHasher("sha256").update(await file.bytes());
      expect(hash.digest("hex")).toBe(digest);
    }
  }
  const [proxy, controller] = await Promise.all(
    ["proxy", "controller"].map(manifestOf),
  );
  expect(proxy?.layers[0]).toEqual(controller?.layers[0] ?? { digest: "" });
});

test("the controller starts as nobody and names what it is missing", async () => {
  const { code, out } = await inside(
    ...["controller", "2103:2103", "bun"] as const,
    ...["/usr/lib/linkerd/control/main.js", "--help"],
  );
  expect(code).toBe(0);
  expect(out).toContain("proxy-injector");
});

test("the proxy's entry point refuses an empty environment as in the repository", async () => {
  const { code, errors } = await inside(
    ...["proxy", "2102:2102", "/usr/lib/linkerd/launch/entrypoint.sh"] as const,
  );
  expect(code).toBe(64);
  expect(errors).toContain("LINKERD2_PROXY_IDENTITY_DIR");
});

test("init prints its rules, and its container's capabilities are kept without being root", async () => {
  const { code, out, errors } = await inside(
    ...[
      "proxy",
      "65534:65534",
      "/usr/lib/linkerd/linkerd2-proxy-init",
    ] as const,
    ...["--simulate", "-p", "4143", "-o", "4140", "-u", "2102"],
  );
  expect({ code, errors: code === 0 ? "" : errors })
    .toEqual({ code: 0, errors: "" });
  expect(`${out}${errors}`).toContain("4143");
  for (const program of ["sh", "setpriv"]) {
    const path = join(home, "proxy.root/usr/lib/linkerd/capable", program);
    expect(await succeed("getcap", path))
      .toContain("cap_net_admin,cap_net_raw=p");
  }
});

test("await says in time that there is no proxy", async () => {
  const { code, errors } = await inside(
    ...["proxy", "2102:2102", "/usr/lib/linkerd/linkerd-await"] as const,
    ...["--timeout=1s", "--backoff=200ms", "--port=1"],
  );
  expect(code).toBe(69);
  expect(errors).toContain("port 1");
});
