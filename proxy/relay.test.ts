import { describe, expect, test } from "bun:test";
import { relay, type RelayEnd } from "./relay.ts";
import {
  createMemoryChannels,
  type MemoryChannel,
  type MemoryOptions,
} from "./testing/memory-channel.ts";
import { Recorder, turn } from "./testing/recorder.ts";

interface Tunnel {
  readonly client: Recorder;
  readonly server: Recorder;
  /** The relay's ends. */
  readonly left: MemoryChannel;
  readonly right: MemoryChannel;
  readonly ends: readonly RelayEnd[];
}

function openTunnel(options: MemoryOptions = {}): Tunnel {
  const [clientEnd, left] = createMemoryChannels(options);
  const [serverEnd, right] = createMemoryChannels(options);
  const ends: RelayEnd[] = [];
  const tunnel = {
    client: new Recorder(clientEnd),
    server: new Recorder(serverEnd),
    left,
    right,
    ends,
  };
  relay(left, right, (end) => ends.push(end));
  return tunnel;
}

describe("relay()", () => {
  test("carries bytes both ways, first what had been read before", async () => {
    const [clientEnd, left] = createMemoryChannels();
    const [serverEnd, right] = createMemoryChannels();
    const client = new Recorder(clientEnd);
    const server = new Recorder(serverEnd);
    left.unread(new TextEncoder().encode("seen "));
    relay(left, right, () => {});
    client.send("and not");
    server.send("answer");
    await server.until(() => server.text.length === 12);
    await client.until(() => client.text.length === 6);
    expect([server.text, client.text]).toEqual(["seen and not", "answer"]);
  });

  test("passes a FIN on as a FIN; the other direction goes on", async () => {
    const { client, server, ends } = openTunnel();
    client.send("question");
    client.channel.end();
    await server.until(() => server.ended);
    server.send("a long answer");
    await client.until(() => client.text === "a long answer");
    expect([client.ended, ends.length]).toEqual([false, 0]);
    server.channel.end();
    await client.until(() => client.closed && server.closed && ends.length > 0);
    expect(ends).toEqual([null]);
  });

  test("passes on a FIN that came before there was a server", async () => {
    const [clientEnd, left] = createMemoryChannels();
    const [serverEnd, right] = createMemoryChannels();
    const detecting = new Recorder(left);
    new Recorder(clientEnd).send("hello");
    clientEnd.end();
    await detecting.until(() => detecting.ended);
    left.unread(new TextEncoder().encode(detecting.take()));
    const server = new Recorder(serverEnd);
    relay(left, right, () => {});
    await server.until(() => server.ended);
    expect(server.text).toBe("hello");
  });

  test.each(["client", "server"] as const)(
    "a reset by the %s resets the other and ends once",
    async (who) => {
      const tunnel = openTunnel();
      const { client, server, ends } = tunnel;
      await turn();
      tunnel[who].channel.destroy();
      await client.until(() => client.closed && server.closed);
      await turn();
      expect(ends.length).toBe(1);
      expect(ends[0]?.message).toBe("connection reset by peer");
    },
  );

  test("one side destroyed by us takes the other with it", async () => {
    const { client, server, left, ends } = openTunnel();
    await turn();
    left.destroy();
    await server.until(() => client.closed && server.closed);
    expect(ends.length).toBe(1);
  });

  test("slows a source down while its sink is behind, and only that", async () => {
    const { client, server, left } = openTunnel({ highWaterBytes: 4 });
    const { right: sink } = { right: server.channel };
    sink.pause();
    client.send("12345");
    await turn();
    client.send("67890");
    await turn();
    expect(left.peer?.queuedBytes).toBe(5);
    server.send("unhindered");
    await client.until(() => client.text === "unhindered");
    sink.resume();
    await server.until(() => server.text.length === 10);
    expect(server.text).toBe("1234567890");
  });

  test("a slow sink that leaves does not hold its source for ever", async () => {
    const { client, server, ends } = openTunnel({ highWaterBytes: 4 });
    server.channel.pause();
    client.send("12345");
    await turn();
    client.send("67890");
    await turn();
    server.channel.destroy();
    await client.until(() => client.closed);
    expect(ends.length).toBe(1);
  });

  test("a channel that was over before takes the other with it", async () => {
    const [clientEnd, left] = createMemoryChannels();
    const [serverEnd, right] = createMemoryChannels();
    const client = new Recorder(clientEnd);
    const watcher = new Recorder(right);
    serverEnd.destroy();
    await watcher.until(() => watcher.closed);
    const ends: RelayEnd[] = [];
    relay(left, right, (end) => ends.push(end));
    await client.until(() => client.closed);
    expect(ends.length).toBe(1);
  });
});
