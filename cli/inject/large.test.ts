// Inputs that are cut anywhere, and inputs that are long.
import { expect, test } from "bun:test";
import { parse, parseAllDocuments } from "yaml";
import { runWith } from "./testing/run.ts";

const inject = (input: string | Uint8Array, ...flags: string[]) =>
  runWith(input, "inject", "--ignore-cluster", ...flags, "-");

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the shop
spec:
  template:
    metadata:
      labels: {app: "web"}
    spec:
      containers:
        - name: web
          image: nginx
          args: ["-c", "é"]
`;
const TIMEOUT_MS = 60_000;

test.each([["\n"], ["\r\n"]])(
  "an input cut at any byte is injected whole or is an error that says where (lines end in %j)",
  async (newline) => {
    const text = `${DEPLOYMENT}---\n${DEPLOYMENT}`.replaceAll("\n", newline);
    const whole = new TextEncoder().encode(text);
    const first = new TextEncoder().encode(
      `${DEPLOYMENT}---\n`.replaceAll("\n", newline),
    ).length;
    let [right, wrong] = [0, 0];
    for (let end = 1; end < whole.length; end++) {
      const ran = await inject(whole.subarray(0, end));
      if (ran.code === 0) {
        right++;
        const documents = parseAllDocuments(ran.stdout);
        for (const document of documents) {
          expect(document.errors).toEqual([]);
          const value = document.toJS();
          if (value?.kind !== "Deployment") continue;
          const { metadata, spec } = value.spec.template;
          expect(metadata.annotations["linkerd.io/inject"]).toBe("enabled");
          expect(spec.containers).toHaveLength(1);
        }
      } else {
        wrong++;
        expect(ran.stdout).toBe("");
        // Half a character has no place but its input.
        const place = end > first ? "document 2, line" : "document 1, line";
        expect(ran.stderr).toMatch(
          new RegExp(
            `^Error.*standard input(, ${place}|: it is not text in UTF-8)`,
            "s",
          ),
        );
      }
    }
    expect([right, wrong].map((count) => count > 50)).toEqual([true, true]);
  },
  TIMEOUT_MS,
);

test(
  "a List of five megabytes is edited where it stands, comments and all",
  async () => {
    const item = `  - ${DEPLOYMENT.trimEnd().replaceAll("\n", "\n    ")}\n`;
    const count = Math.ceil(5_000_000 / item.length);
    const list = `kind: List\nitems:\n${item.repeat(count)}`;
    const ran = await inject(list);
    expect(ran.code).toBe(0);
    const added = /\n +annotations:\n +linkerd.io\/inject: enabled(?=\n)/g;
    expect(ran.stdout.match(added)).toHaveLength(count);
    expect(ran.stdout.replaceAll(added, "")).toBe(`${list}---\n`);
  },
  TIMEOUT_MS,
);

test("five megabytes of JSON come out as one line of JSON", async () => {
  const items = Array.from({ length: 12_000 }, () => parse(DEPLOYMENT));
  const json = JSON.stringify({ kind: "List", items }, null, 2);
  expect(json.length).toBeGreaterThan(5_000_000);
  const ran = await inject(json, "-o", "json");
  expect([ran.code, ran.stdout.indexOf("\n")]).toEqual([
    0,
    ran.stdout.length - 1,
  ]);
  const found = JSON.parse(ran.stdout).items;
  expect(found).toHaveLength(items.length);
  expect(found.at(-1).spec.template.metadata.annotations).toEqual({
    "linkerd.io/inject": "enabled",
  });
}, TIMEOUT_MS);
