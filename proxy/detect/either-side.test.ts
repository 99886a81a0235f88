import { expect, test } from "bun:test";
import { PREFACE } from "../http2/frames.ts";
import { createMemoryChannels } from "../testing/memory-channel.ts";
import {
  detectEitherSide,
  type Finding,
  type Habits,
  SILENT_CLIENT_MS,
} from "./either-side.ts";

/** What a server says at once: an empty SETTINGS frame of HTTP/2, or a greeting. */
const SETTINGS = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
const GREETING = new TextEncoder().encode("220 mail.example\r\n");

/** What is found when a client waits for long, the server says `first`, and then the client speaks HTTP/2. */
async function detectLate(
  first: Uint8Array,
): Promise<{ finding: Finding; habits: Habits }> {
  const habits: Habits = { speaksFirst: false, speaksHttp: false };
  const [client, near] = createMemoryChannels();
  const found = Promise.withResolvers<Finding>();
  detectEitherSide(near, {
    timeoutMs: 20 * SILENT_CLIENT_MS,
    habits,
    open() {
      const [far, server] = createMemoryChannels();
      server.write(first);
      // Once the server's words have arrived.
      setTimeout(() => client.write(PREFACE), 5);
      return Promise.resolve(far);
    },
  }, found.resolve);
  return { finding: await found.promise, habits };
}

test("a server that greets a silent client makes its connections opaque", async () => {
  const { finding, habits } = await detectLate(GREETING);
  expect(finding.kind).toBe("opaque");
  expect(habits).toEqual({ speaksFirst: true, speaksHttp: false });
});

test("a server that opens HTTP/2 does not: its client was only slow", async () => {
  const { finding, habits } = await detectLate(SETTINGS);
  expect(finding).toMatchObject({ kind: "http", protocol: "http2" });
  expect(habits).toEqual({ speaksFirst: false, speaksHttp: true });
});
