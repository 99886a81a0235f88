// What people feed to inject: line ends, marks, tabs, anchors, halves, and very much of it.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { runWith } from "./testing/run.ts";

const inject = (input: string | Uint8Array, ...flags: string[]) =>
  runWith(input, "inject", "--ignore-cluster", ...flags, "-");

/** A Deployment with its pod's metadata as given. */
function deployment(metadata = "      labels: {app: web}\n"): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata:
${metadata}    spec:
      containers:
        - name: web
          image: nginx
`;
}

const ANNOTATED = `      annotations:
        linkerd.io/inject: enabled
`;
const CONFIG_MAP =
  "kind:   ConfigMap\nmetadata: {name: x}\ndata:\n    a:   b  # c\n";

test("documents that are not touched come out byte for byte, separators and all", async () => {
  const ran = await inject(
    `---\n${CONFIG_MAP}--- # next\n# nothing here\n---\n${CONFIG_MAP}`,
  );
  expect(ran.stdout).toBe(
    `---\n${CONFIG_MAP}---\n# nothing here\n---\n${CONFIG_MAP}---\n`,
  );
  expect(ran.stderr).toBe(
    '\n‼ no supported objects found\n\nconfigmap "x" skipped\ndocument missing "kind" field, skipped\nconfigmap "x" skipped\n\n',
  );
});

test("only the lines that differ change, and comments stay where they are", async () => {
  const before =
    "      # who it is\n      labels:   {app: web}   # one label\n      # no annotations yet\n";
  const ran = await inject(deployment(before));
  const after = before.replace("      # no", `${ANNOTATED}      # no`);
  expect(ran.stdout).toBe(`${deployment(after)}---\n`);
});

test("lines that end with CRLF go on doing so", async () => {
  const ran = await inject(deployment().replaceAll("\n", "\r\n"));
  expect(ran.stdout).toBe(
    `${
      deployment(`      labels: {app: web}\n${ANNOTATED}`).replaceAll(
        "\n",
        "\r\n",
      )
    }---\n`,
  );
});

test("a byte order mark stays where it was", async () => {
  const ran = await inject(`\uFEFF${deployment()}`);
  expect(ran.stdout).toBe(
    `\uFEFF${deployment(`      labels: {app: web}\n${ANNOTATED}`)}---\n`,
  );
});

test("a file without a last newline gets one before the separator", async () => {
  const ran = await inject(deployment().trimEnd());
  expect(ran.stdout).toBe(
    `${deployment(`      labels: {app: web}\n${ANNOTATED}`)}---\n`,
  );
});

test("aliases are understood, and an anchor's other users do not change", async () => {
  const shared = `kind: Deployment
metadata:
  name: web
  labels: &labels {app: web}
  annotations: &notes
    team: shop
spec:
  template:
    metadata:
      labels: *labels
      annotations: *notes
    spec:
      containers: [{name: web, image: nginx}]
`;
  const { stdout } = await inject(shared);
  const value = parse(stdout.replace(/---\n$/, ""));
  expect(value.metadata.annotations).toEqual({ team: "shop" });
  expect(value.spec.template.metadata).toEqual({
    labels: { app: "web" },
    annotations: { team: "shop", "linkerd.io/inject": "enabled" },
  });
});

test("merge keys are understood and written out where they are in the way", async () => {
  const { stdout } = await inject(
    deployment(
      "      <<: &base\n        annotations: {team: shop}\n      labels: {app: web}\n",
    ),
  );
  const value = parse(stdout.replace(/---\n$/, ""), { merge: true });
  expect(value.spec.template.metadata.annotations).toEqual({
    team: "shop",
    "linkerd.io/inject": "enabled",
  });
});

test("an anchor that is edited in place does not change its alias", async () => {
  const { stdout } = await inject(`kind: List
items:
  - kind: Deployment
    metadata: {name: one}
    spec: &spec
      template:
        metadata:
          labels:
            app: web
        spec:
          containers: [{name: web, image: nginx}]
  - kind: Rollout
    metadata: {name: two}
    spec: *spec
`);
  const [one, two] = parse(stdout.replace(/---\n$/, "")).items;
  expect(one.spec.template.metadata.annotations).toEqual({
    "linkerd.io/inject": "enabled",
  });
  expect(two.spec.template.metadata).toEqual({ labels: { app: "web" } });
});

test("JSON comes out as YAML, in the order it had, or as JSON on one line", async () => {
  const json = JSON.stringify(parse(deployment()), null, 2);
  const { stdout } = await inject(json);
  expect(stdout).toStartWith(
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n",
  );
  const asJson = await inject(
    `${json}\n---\n# nothing\n---\n${CONFIG_MAP}`,
    "-o",
    "json",
  );
  const lines = asJson.stdout.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  expect(lines.map(({ kind }) => kind)).toEqual(["Deployment", "ConfigMap"]);
  expect(lines[0].spec.template.metadata.annotations).toEqual({
    "linkerd.io/inject": "enabled",
  });
});

test("JSON refuses a number that it would round", async () => {
  const ran = await inject(
    "kind: X\nbig: 12345678901234567890\n",
    "-o",
    "json",
  );
  expect([ran.code, ran.stdout]).toEqual([1, ""]);
  expect(ran.stderr).toContain("it has more digits than a number keeps");
});

/** Inputs that mean nothing, and where the error must point. */
const BROKEN: readonly (readonly [string, string, string])[] = [
  [
    "a tab for indentation",
    "kind: Pod\nmetadata:\n\tname: x\n",
    "document 1, line 3",
  ],
  [
    "a key twice",
    "kind: Pod\nmetadata:\n  name: x\n  name: y\n",
    "document 1, line 4",
  ],
  [
    "a document cut in a key",
    deployment().slice(0, -10),
    "document 1, line 12",
  ],
  [
    "a document cut after containers",
    deployment().split("        - name")[0] ?? "",
    "document 1, line 10",
  ],
  [
    "a document cut after the template",
    deployment().split("    metadata:")[0] ?? "",
    "document 1, line 6",
  ],
  ["text that is no object", "just words\n", "document 1, line 1"],
  [
    "an annotation that is a number",
    deployment("      annotations: {a: 1}\n"),
    "document 1, line 8",
  ],
  [
    "something behind a separator",
    `${CONFIG_MAP}--- x\nkind: Pod\n`,
    "document 1, line 5",
  ],
  [
    "an unclosed bracket",
    `${CONFIG_MAP}---\nkind: [Pod\n`,
    "document 2, line 7",
  ],
  [
    "aliases that multiply",
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n`,
    "document 1, line 1",
  ],
];

for (const [what, broken, place] of BROKEN) {
  test(`${what} is an error that says where, and nothing is printed`, async () => {
    const ran = await inject(`${broken}`);
    expect([ran.code, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toStartWith("Error transforming resources:\n");
    expect(ran.stderr).toContain(`standard input, ${place}`);
  });
}

test("lists nested a hundred thousand deep are an error", async () => {
  const ran = await inject("[".repeat(100_000));
  expect([ran.code, ran.stdout]).toEqual([1, ""]);
});

test("bytes that are no UTF-8 are an error", async () => {
  const ran = await inject(new Uint8Array([0x6b, 0xff, 0xfe]));
  expect(ran.stderr).toContain(
    "Cannot read standard input: it is not text in UTF-8",
  );
});

test("one bad document among good ones lets nothing through, and all mistakes are said", async () => {
  const bad = deployment(
    "      annotations: {config.linkerd.io/proxy-cpu-limit: lots}\n",
  );
  const ran = await inject([deployment(), bad, bad].join("---\n"));
  expect([ran.code, ran.stdout]).toEqual([1, ""]);
  expect(ran.stderr).toBe(
    `Error transforming resources:
failed to inject deployment/web: annotation config.linkerd.io/proxy-cpu-limit is "lots", expected a Kubernetes quantity such as 100m, 0.5 or 64Mi (standard input, document 2, line 14)
failed to inject deployment/web: annotation config.linkerd.io/proxy-cpu-limit is "lots", expected a Kubernetes quantity such as 100m, 0.5 or 64Mi (standard input, document 3, line 27)
`,
  );
});

test("pods that cannot work in a mesh are errors, unless they opted out", async () => {
  const host = (annotations: string) =>
    `${
      deployment(annotations)
    }          ports: [{containerPort: 53, protocol: UDP}]\n      hostNetwork: true\n`;
  const refused = await inject(host("      labels: {}\n"));
  expect(refused.stderr).toContain(
    "failed to inject deployment/web: hostNetwork is enabled, UDP port(s) configured on pod spec",
  );
  const skipped = await inject(
    host("      annotations: {linkerd.io/inject: disabled}\n"),
  );
  expect([skipped.code, skipped.stdout]).toEqual([
    0,
    `${host("      annotations: {linkerd.io/inject: disabled}\n")}---\n`,
  ]);
});

test("a foreign sidecar is an error", async () => {
  const ran = await inject(
    deployment().replace("- name: web", "- name: istio-proxy"),
  );
  expect(ran.stderr).toContain("pod has a sidecar injected already");
});

test("control-plane components need --manual", async () => {
  const ran = await inject(
    deployment(
      "      labels: {linkerd.io/control-plane-component: identity}\n",
    ),
  );
  expect(ran.stderr).toContain(
    "--manual must be set when injecting control plane components",
  );
});

test(
  "five megabytes in one document and ten thousand documents are no trouble",
  async () => {
    const large = `kind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: |\n${
      "    0123456789012345678901234567890123456789\n".repeat(120_000)
    }`;
    const many = Array.from(
      { length: 10_000 },
      () => "kind: Namespace\nmetadata:\n  name: x\n",
    ).join("---\n");
    const ran = await inject(`${large}---\n${many}`);
    expect(ran.code).toBe(0);
    expect(ran.stdout.startsWith(`${large}---\n`)).toBe(true);
    expect(ran.stdout.match(/linkerd.io\/inject: enabled/g)).toHaveLength(
      10_000,
    );
  },
  60_000,
);

test("a folder is read whole, in lexical order, whatever its files are called", async () => {
  const folder = mkdtempSync(join(tmpdir(), "inject-"));
  try {
    writeFileSync(
      join(folder, "b.yaml"),
      "kind: Namespace\nmetadata: {name: two}\n",
    );
    writeFileSync(
      join(folder, "a"),
      "kind: Namespace\nmetadata: {name: one}\n",
    );
    const ran = await runWith("", "inject", "--ignore-cluster", folder);
    expect(ran.stderr).toBe(
      '\nnamespace "one" annotated\nnamespace "two" annotated\n\n',
    );
    const back = await runWith("", "uninject", folder);
    expect(back.stderr).toBe(
      '\nnamespace "one" skipped\n\n\nnamespace "two" skipped\n\n',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("pages are read over HTTPS only", async () => {
  const ran = await runWith(
    "",
    "inject",
    "--ignore-cluster",
    "http://localhost/x.yml",
  );
  expect(ran.stderr).toStartWith("Error: only HTTPS URLs are allowed\n");
});

test("a page that cannot be read is an error", async () => {
  const ran = await runWith(
    "",
    "inject",
    "--ignore-cluster",
    "https://localhost:1/x.yml",
  );
  expect(ran.stderr).toStartWith(
    'Error: unable to read URL "https://localhost:1/x.yml": ',
  );
});

test("the control plane's namespace may be said before the command", async () => {
  const ran = await runWith(
    deployment(),
    "-L",
    "mesh",
    "inject",
    "--ignore-cluster",
    "--manual",
    "-",
  );
  expect(ran.stdout).toContain("linkerd.io/control-plane-ns: mesh");
  const wrong = await runWith(
    deployment(),
    "inject",
    "-L",
    "no.dots",
    "--ignore-cluster",
    "-",
  );
  expect(wrong.stderr).toStartWith("Error: no.dots is not a valid namespace\n");
});

test("flags are checked, and written only where they change something", async () => {
  const wrong = await inject(deployment(), "--proxy-memory-limit=much");
  expect(wrong.stderr).toStartWith(
    'Error: --proxy-memory-limit is "much", expected a Kubernetes quantity such as 100m, 0.5 or 64Mi\n',
  );
  const lower = await inject(
    deployment(),
    "--proxy-cpu-limit=1",
    "--proxy-cpu-request=2",
  );
  expect(lower.stderr).toStartWith(
    "Error: The cpu limit '1' cannot be lower than the cpu request '2'\n",
  );
  const same = await inject(
    deployment(),
    "--admin-port=4191",
    "--registry=example.com/mesh/",
    "--proxy-gid=-1",
  );
  const [value] = parseAllDocuments(same.stdout).map((document) =>
    document.toJS()
  );
  expect(value.spec.template.metadata.annotations).toEqual({
    "config.linkerd.io/proxy-image": "example.com/mesh/proxy",
    "config.linkerd.io/debug-image": "example.com/mesh/debug",
    "linkerd.io/inject": "enabled",
  });
});

test("what a flag used to be called still works, with a warning", async () => {
  const ran = await inject(deployment(), "--proxy-cpu=1");
  expect(ran.stderr).toStartWith(
    "Flag --proxy-cpu has been deprecated, use --proxy-cpu-request instead\n\n",
  );
  expect(ran.stdout).toContain('config.linkerd.io/proxy-cpu-request: "1"');
});
