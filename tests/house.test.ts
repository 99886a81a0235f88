import { expect, test } from "bun:test";
import { dirname, relative, resolve } from "node:path";

/** What each room may import: rooms by path from here, packages by name (docs/architecture.md, "Rooms"). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  schemas: ["schemas", "@bufbuild/protobuf", "typebox"],
  install: ["schemas", "install"],
  "install/images": ["schemas", "install/images", "node:"],
  proxy: ["schemas", "proxy", "node:", "bun", "bun:"],
  "proxy/launch": [
    "schemas",
    "proxy",
    "proxy/launch",
    "node:",
    "@peculiar/x509",
    "reflect-metadata",
  ],
  cli: [
    "schemas",
    "install",
    "cli",
    "node:",
    "@bufbuild/protobuf",
    "cac",
    "kleur",
    "yaml",
    "@peculiar/x509",
  ],
  control: [
    "schemas",
    "install",
    "control",
    "node:",
    "bun",
    "hono",
    "@connectrpc/",
    "@bufbuild/protobuf",
    "yaml",
    "@peculiar/x509",
    "reflect-metadata",
    "jose",
  ],
};
/** In `proxy`, of `schemas` only words: nothing that knows Kubernetes or brings the schema library. */
const PROXY_SCHEMAS = [
  "address",
  "client-policy",
  "der",
  "destination",
  "duration",
  "identity",
  "names",
  "pattern",
  "profile",
  "policy",
  "problem",
  "retry-conditions",
  "route",
  "version",
];
/** Sources of these rooms inside `control` know nothing of each other; `main` joins them. */
const APART = [
  "control/kube",
  "control/files",
  "control/index",
  "control/serve",
];
/** Room of a stage that only pages may call: stages never import pages, and the two pages never meet. */
const PAGES = ["proxy/outbound.ts", "proxy/inbound.ts"];
/** Where pages are put together; the admin and tap ports are inbound sides of their own. */
const EDGE = [
  "proxy/start/inbound-side.ts",
  "proxy/start/outbound-side.ts",
  "proxy/inside.ts",
];
const MAX_LINES = 400;

const ROOT = dirname(import.meta.dir);
const rooms = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length);

const files = [
  ...new Bun.Glob(
    "{schemas,install,proxy,control,cli,demo,tests,bench}/**/*.ts",
  ).scanSync(ROOT),
]
  .filter((path) => !path.includes("node_modules/"));
const sources = await Promise.all(
  files.map(async (path) => ({
    path,
    text: await Bun.file(`${ROOT}/${path}`).text(),
  })),
);
const isTest = (path: string) =>
  path.endsWith(".test.ts") || path.includes("/testing/");

/** What a file imports: packages by name, files by path from the root. */
function importsOf(path: string, text: string): string[] {
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|\bimport\("([^"]+)"\)|^import\s+"([^"]+)"/gm,
    ),
  ]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .map((found) =>
      found.startsWith(".")
        ? relative(ROOT, resolve(ROOT, dirname(path), found))
        : found
    );
}

function roomOf(path: string): string | undefined {
  return rooms.find((room) => path.startsWith(`${room}/`));
}

test("each room imports only what it may", () => {
  const wrong: string[] = [];
  for (const { path, text } of sources) {
    const room = roomOf(path);
    if (room === undefined || isTest(path)) continue;
    const allowed = MAY_IMPORT[room] ?? [];
    for (const found of importsOf(path, text)) {
      const target = files.includes(found)
        ? roomOf(found) ?? found.split("/")[0]
        : found;
      const may = allowed.some((one) =>
        target === one ||
        (target ?? "").startsWith(
            one.endsWith("/") || one.endsWith(":") ? one : `${one}/`,
          ) && !files.includes(found)
      );
      if (!may) wrong.push(`${path} imports ${found}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("the proxy takes only words from schemas", () => {
  const wrong = sources.filter(({ path }) =>
    path.startsWith("proxy/") && !isTest(path)
  ).flatMap(({ path, text }) =>
    importsOf(path, text)
      .filter((found) =>
        found.startsWith("schemas/") &&
        !PROXY_SCHEMAS.includes(found.slice(8, -3))
      )
      .map((found) => `${path} imports ${found}`)
  );
  expect(wrong).toEqual([]);
});

test("sources, index and serving of the control plane meet only in its edge", () => {
  const within = (path: string) =>
    APART.find((room) => path.startsWith(`${room}/`));
  const wrong = sources.filter(({ path }) => !isTest(path)).flatMap((
    { path, text },
  ) =>
    importsOf(path, text)
      .filter((found) =>
        within(path) !== undefined && within(found) !== undefined &&
        within(path) !== within(found)
      )
      .map((found) => `${path} imports ${found}`)
  );
  expect(wrong).toEqual([]);
});

test("pages are imported by the edge alone", () => {
  const wrong = sources.filter(({ path }) =>
    !EDGE.includes(path) && !isTest(path)
  ).flatMap(({ path, text }) =>
    importsOf(path, text).filter((found) => PAGES.includes(found)).map((
      found,
    ) => `${path} imports ${found}`)
  );
  expect(wrong).toEqual([]);
});

test("no file has more than one subject", () => {
  const long = sources.filter(({ path }) =>
    !path.includes("/gen/") && !isTest(path)
  )
    .map(({ path, text }) => ({ path, lines: text.split("\n").length }))
    .filter(({ lines }) => lines > MAX_LINES);
  expect(long).toEqual([]);
});

test("nothing that only a compiler can erase", () => {
  const wrong = sources.filter(({ path, text }) =>
    !path.includes("/gen/") && path !== "tests/house.test.ts" &&
    /^(export )?(const )?enum |constructor\(\s*(private|public|readonly) /m
      .test(text)
  ).map(({ path }) => path);
  expect(wrong).toEqual([]);
});
