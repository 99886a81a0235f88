import { describe, expect, test } from "bun:test";
import { createLogs, type Logs } from "./log.ts";
import { LEVEL, levelOf, parseFilter } from "./log/filter.ts";
import { createOutput } from "./log/output.ts";

const filterOf = (text: string) => {
  const filter = parseFilter(text);
  if (filter === null) throw new Error(`not a filter: ${text}`);
  return filter;
};

function logsOf(
  filter: string,
  format: "plain" | "json" = "plain",
): { logs: Logs; lines: string[]; clock: { nowMs: number } } {
  const lines: string[] = [];
  const clock = { nowMs: 1_234 };
  const logs = createLogs({
    filter: filterOf(filter),
    format,
    write: (line) => void lines.push(line),
    uptimeMs: () => clock.nowMs,
  });
  return { logs, lines, clock };
}

describe("parseFilter()", () => {
  test("reads Linkerd's default and what its injector adds", () => {
    const filter = filterOf(
      "warn,linkerd=info,hickory=error,[{headers}]=off,[{request}]=off",
    );
    expect(levelOf(filter, "linkerd_proxy::inbound")).toBe(LEVEL.info);
    expect(levelOf(filter, "hickory_resolver")).toBe(LEVEL.error);
    expect(levelOf(filter, "other")).toBe(LEVEL.warn);
  });

  test("prefers the longest target, then the last directive", () => {
    const filter = filterOf(
      "linkerd_proxy::inbound=trace,linkerd=info,linkerd=debug",
    );
    expect(levelOf(filter, "linkerd_proxy::inbound")).toBe(LEVEL.trace);
    expect(levelOf(filter, "linkerd_proxy::outbound")).toBe(LEVEL.debug);
  });

  test("writes nothing of targets that it does not name, nor when off", () => {
    expect(levelOf(filterOf("hickory=warn"), "linkerd_proxy::x")).toBe(0);
    expect(levelOf(filterOf("OFF"), "linkerd_proxy::x")).toBe(LEVEL.off);
    expect(levelOf(filterOf("linkerd"), "linkerd_proxy::x")).toBe(LEVEL.trace);
  });

  test("refuses unknown levels, empty directives and endless text", () => {
    for (const text of ["linkerd=loud", "warn,,info", "", "=info", "a b"]) {
      expect(parseFilter(text)).toBeNull();
    }
    expect(parseFilter(`warn,${"x".repeat(5_000)}=info`)).toBeNull();
  });
});

describe("createLogs()", () => {
  test("writes Linkerd's plain lines, values quoted where they need it", () => {
    const { logs, lines } = logsOf("linkerd=info");
    logs.target("inbound").warn("connection closed", {
      peer: "10.0.0.7:4143",
      error: 'no "name"\nhere',
      durationMs: 3.5,
      absent: undefined,
    });
    expect(lines).toEqual([
      `[   1.234s]  WARN ThreadId(01) linkerd_proxy::inbound: connection closed peer=10.0.0.7:4143 error="no \\"name\\"\\nhere" durationMs=3.5\n`,
    ]);
  });

  test("lets no peer begin a line of its own", () => {
    const { logs, lines } = logsOf("linkerd=info");
    logs.target("inbound").warn("refused a\r\nb\x1b[31m");
    expect(lines.join("").slice(0, -1)).not.toMatch(/\p{Cc}/u);
    expect(lines[0]).toEndWith("refused a\\x0d\\nb\\x1b[31m\n");
  });

  test("writes Linkerd's JSON objects", () => {
    const { logs, lines } = logsOf("linkerd=info", "json");
    logs.target("outbound").info("failfast", { service: "web:80" });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      timestamp: "[   1.234s]",
      level: "INFO",
      fields: { message: "failfast", service: "web:80" },
      target: "linkerd_proxy::outbound",
      threadId: "ThreadId(1)",
    });
  });

  test("drops what is below the level, until the filter changes", () => {
    const { logs, lines } = logsOf("warn");
    const log = logs.target("inbound");
    log.info("quiet");
    log.debug("quiet");
    expect(lines).toEqual([]);
    logs.setFilter(filterOf("linkerd_proxy::inbound=debug"));
    log.debug("loud");
    log.trace("quiet");
    logs.target("outbound").error("quiet");
    expect(lines).toHaveLength(1);
    expect(logs.filter.text).toBe("linkerd_proxy::inbound=debug");
  });
});

describe("limited()", () => {
  test("writes so many lines a second per key and counts the others", () => {
    const { logs, lines, clock } = logsOf("warn");
    const warn = logs.target("inbound").limited(2);
    for (let at = 0; at < 5; at++) warn("10.0.0.7", "refused");
    warn("10.0.0.8", "refused");
    expect(lines).toHaveLength(3);
    clock.nowMs += 1_000;
    warn("10.0.0.7", "refused", { reason: "tls" });
    warn("10.0.0.7", "refused", { reason: "tls" });
    expect(lines[3]).toEndWith("refused reason=tls suppressed=3\n");
    expect(lines[4]).toEndWith("refused reason=tls\n");
  });

  test("forgets the oldest of very many keys", () => {
    const { logs, lines } = logsOf("warn");
    const warn = logs.target("inbound").limited(1);
    for (let key = 0; key < 1_000; key++) warn(String(key), "refused");
    warn("0", "refused");
    warn("999", "refused");
    expect(lines).toHaveLength(1_001);
  });
});

describe("createOutput()", () => {
  test("gathers the lines of a turn into one write", async () => {
    const writes: string[] = [];
    const output = createOutput({
      write: (text) => writes.push(text),
      flush: () => 0,
    });
    output.write("a\n");
    output.write("b\n");
    await output.flush();
    expect(writes).toEqual(["a\nb\n"]);
  });

  test("drops lines, and says how many, while nobody reads", async () => {
    const writes: string[] = [];
    const reader = Promise.withResolvers<number>();
    const started = Promise.withResolvers<void>();
    const output = createOutput({
      write: (text) => {
        writes.push(text);
        started.resolve();
      },
      flush: () => writes.length === 1 ? reader.promise : 0,
    });
    output.write("first\n");
    await started.promise;
    const line = `${"x".repeat(99_999)}\n`;
    for (let at = 0; at < 12; at++) output.write(line);
    reader.resolve(0);
    await output.flush();
    expect(writes.map((text) => text.length)).toEqual([6, 1_000_000, 25]);
    expect(writes[2]).toBe("2 log lines were dropped\n");
  });

  test("goes on without output when the reader has gone", async () => {
    let attempts = 0;
    const output = createOutput({
      write: () => {
        attempts += 1;
        throw new Error("EPIPE");
      },
      flush: () => 0,
    });
    output.write("a\n");
    await output.flush();
    output.write("b\n");
    await output.flush();
    expect(attempts).toBe(1);
  });
});
