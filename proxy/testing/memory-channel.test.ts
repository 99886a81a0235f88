import { describe, expect, test } from "bun:test";
import { createMemoryChannels } from "./memory-channel.ts";
import { Recorder } from "./recorder.ts";

describe("createMemoryChannels()", () => {
  test("carries bytes both ways, later and in order", async () => {
    const [left, right] = createMemoryChannels();
    const a = new Recorder(left);
    const b = new Recorder(right);
    a.send("one ");
    a.send("two");
    expect(b.text).toBe("");
    await b.until(() => b.text.length >= 7);
    expect(b.text).toBe("one two");
    b.send("three");
    await a.until(() => a.text === "three");
  });

  test("splits what is read and catches readers that keep a chunk", async () => {
    const [left, right] = createMemoryChannels({ chunkBytes: 1 });
    const kept: Uint8Array[] = [];
    const b = new Recorder(right);
    const { data } = b;
    b.data = (chunk) => {
      kept.push(chunk);
      data.call(b, chunk);
    };
    new Recorder(left).send("abc");
    await b.until(() => b.text.length === 3);
    expect(kept.map((chunk) => chunk[0])).toEqual([0xee, 0xee, 0xee]);
  });

  test("stops data while paused and tells the writer when it has left", async () => {
    const [left, right] = createMemoryChannels({ highWaterBytes: 4 });
    const a = new Recorder(left);
    const b = new Recorder(right);
    right.pause();
    a.send("12345678");
    expect(left.congested).toBeTrue();
    await Promise.resolve();
    expect(b.text).toBe("");
    expect(left.queuedBytes).toBe(8);
    right.resume();
    await a.until(() => a.drains === 1);
    expect(left.congested).toBeFalse();
    expect(b.text).toBe("12345678");
  });

  test("half-closes each direction and closes when both have ended", async () => {
    const [left, right] = createMemoryChannels();
    const a = new Recorder(left);
    const b = new Recorder(right);
    a.send("bye");
    left.end();
    await b.until(() => b.ended);
    expect(b.text).toBe("bye");
    expect(a.closed).toBeFalse();
    b.send("answer");
    right.end();
    await Promise.all([
      a.until(() => a.closed),
      b.until(() => b.closed),
    ]);
    expect(a.text).toBe("answer");
    expect([a.error, b.error]).toEqual([null, null]);
  });

  test("destroy drops what is queued and reaches the other end as an error", async () => {
    const [left, right] = createMemoryChannels();
    const a = new Recorder(left);
    const b = new Recorder(right);
    a.send("lost");
    left.destroy();
    await Promise.all([a.until(() => a.closed), b.until(() => b.closed)]);
    expect(b.text).toBe("");
    expect(a.error).toBe(null);
    expect(b.error?.message).toBe("connection reset by peer");
  });

  test("unread bytes come first, at once, to the next reader", async () => {
    const [left, right] = createMemoryChannels();
    const first = new Recorder(right);
    const a = new Recorder(left);
    a.send("hello world");
    left.end();
    await first.until(() => first.ended);
    right.unread(new TextEncoder().encode("world"));
    right.unread(new TextEncoder().encode("hello "));
    const second = new Recorder(right);
    expect(second.text).toBe("hello world");
    expect(second.ended).toBeTrue();
  });
});
