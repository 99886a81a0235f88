import { expect, test } from "bun:test";
import { createLog, type LogOptions } from "./log.ts";

function record(options: Pick<LogOptions, "level" | "format">): {
  log: ReturnType<typeof createLog>;
  text: () => string;
} {
  let text = "";
  const write = (line: string): void => void (text += line);
  const log = createLog({ ...options, write, now: () => 0 });
  return { log, text: () => text };
}

test("a line is fields, and nothing a caller sends can add another", () => {
  const { log, text } = record({ level: "info", format: "plain" });
  log.info("refused", {
    identity: 'a"\nlevel=error x',
    code: 7,
    none: undefined,
  });
  expect(text()).toBe(
    'time=1970-01-01T00:00:00.000Z level=info msg=refused identity="a\\"\\nlevel=error x" code=7\n',
  );
});

test("lines below the level are left out, and JSON is one object", () => {
  const { log, text } = record({ level: "warn", format: "json" });
  log.info("no");
  log.error("yes", { port: 1 });
  expect(JSON.parse(text())).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "error",
    msg: "yes",
    port: 1,
  });
});
