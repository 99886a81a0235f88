import { expect, test } from "bun:test";
import { PROXY_ANNOTATIONS } from "../../install/inject/annotations.ts";
import { CONFIG_FLAGS, INJECT_FLAGS } from "./flags.ts";
import { runWith } from "./testing/run.ts";

const POD =
  "kind: Pod\nmetadata:\n  name: web\nspec:\n  containers: [{name: web}]\n";

test("every flag becomes an annotation that is understood, and no name is there twice", () => {
  const known = PROXY_ANNOTATIONS.map(({ key }) => key);
  for (const { annotation } of CONFIG_FLAGS) {
    expect(known).toContain(annotation);
  }
  const names = INJECT_FLAGS.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test("ports to skip may be given more than once, and all count", async () => {
  const { stdout } = await runWith(
    POD,
    "inject",
    "--ignore-cluster",
    "--skip-inbound-ports=22,8000-8010",
    "--skip-inbound-ports=9000",
    "--opaque-ports=1",
    "--opaque-ports=2",
    "-",
  );
  expect(stdout).toContain(
    "config.linkerd.io/skip-inbound-ports: 22,8000-8010,9000\n",
  );
  expect(stdout).toContain('config.linkerd.io/opaque-ports: "2"\n');
});
