import { expect, test } from "bun:test";
import { describe as say } from "../problem.ts";
import { parseValues } from "./check.ts";
import { DEFAULT_VALUES, HA_OVERRIDES } from "./defaults.ts";
import { diffValues, mergeValues } from "./merge.ts";

/** What reading these overrides, laid over the defaults, ends in. */
function complaint(overrides: Record<string, unknown>): string {
  try {
    parseValues(mergeValues(DEFAULT_VALUES, overrides));
    return "";
  } catch (error) {
    return say(error);
  }
}

test("the defaults are valid and complete, and so is high availability", () => {
  expect(parseValues(DEFAULT_VALUES)).toEqual(DEFAULT_VALUES);
  const ha = parseValues(mergeValues(DEFAULT_VALUES, HA_OVERRIDES));
  expect(ha.controllerReplicas).toBe(3);
  expect(ha.proxy.resources.memory).toEqual({
    request: "20Mi",
    limit: "250Mi",
  });
});

test.each<[Record<string, unknown>, ...string[]]>([
  [{ proxy: { imge: {} } }, "proxy.imge: unknown key", "proxy.image"],
  [{ controlerReplicas: 3 }, "controlerReplicas: unknown key", "controllerRe"],
  [{ opaquePorts: "1" }, "opaquePorts: unknown key", "proxy.opaquePorts"],
  [{ constructor: 1 }, "constructor: unknown key", "1 mistake"],
  [JSON.parse('{"__proto__":{"x":1}}'), "__proto__: unknown key"],
  [
    { controllerReplicas: "three" },
    'controllerReplicas: found "three"',
    "a whole number from 1",
  ],
  [{ cniEnabled: "yes" }, 'cniEnabled: found "yes"', "true or false"],
  [{ proxy: [] }, "proxy: found a list", "expected a map of keys"],
  [
    { webhookFailurePolicy: "Sometimes" },
    'webhookFailurePolicy: found "Sometimes"',
    "one of Ignore, Fail",
  ],
  [{ proxy: null }, "proxy: missing", "a map of keys"],
  [
    { imagePullSecrets: [{ nam: "a" }] },
    "imagePullSecrets[0].nam: unknown key",
    "imagePullSecrets[0].name: missing",
  ],
  [
    { deploymentStrategy: { rollingUpdate: { maxSurge: "a lot" } } },
    'deploymentStrategy.rollingUpdate.maxSurge: found "a lot"',
    "25%",
  ],
])("%j is refused with key, wish and neighbour", (overrides, ...said) => {
  for (const part of said) expect(complaint(overrides)).toContain(part);
});

test("every mistake is reported at once", () => {
  expect(complaint({ a: 1, cniEnabled: 0 })).toContain("2 mistakes");
});

test("a whole number where text is wanted is text; null takes a key away", () => {
  const values = parseValues(mergeValues(DEFAULT_VALUES, {
    proxy: { opaquePorts: 25 },
    nodeSelector: null,
  }));
  expect(values.proxy.opaquePorts).toBe("25");
  expect(values.nodeSelector).toBeUndefined();
});

test("what differs from the defaults gives the same values again", () => {
  const overrides = {
    controllerReplicas: 2,
    proxy: { image: { version: "7" } },
    nodeSelector: { "kubernetes.io/os": null, disk: "ssd" },
  };
  const values = mergeValues(DEFAULT_VALUES, overrides);
  const differing = diffValues(DEFAULT_VALUES, values);
  expect(differing).toEqual(overrides);
  expect(mergeValues(DEFAULT_VALUES, differing)).toEqual(values);
});
