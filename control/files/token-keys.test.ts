import { describe, expect, test } from "bun:test";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createScratch } from "../testing/scratch.ts";
import { recordLogs } from "../testing/logs.ts";
import { createTokenMaker } from "../testing/tokens.ts";
import { watchTokenKeys } from "./token-keys.ts";

const SUBJECT = "system:serviceaccount:emojivoto:web";
const tokens = await createTokenMaker();

async function open(keySet = tokens.keySet) {
  const folder = await createScratch();
  const path = join(folder.path, "keys.json");
  await writeFile(path, keySet);
  const recorder = recordLogs();
  const keys = await watchTokenKeys(path, { log: recorder.log });
  return {
    ...recorder,
    path,
    review: keys.review,
    [Symbol.asyncDispose]: async () => {
      keys.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("watchTokenKeys()", () => {
  test("knows the caller of a token, of either algorithm", async () => {
    for (const algorithm of ["ES256", "RS256"] as const) {
      const maker = await createTokenMaker(algorithm);
      await using keys = await open(maker.keySet);
      expect(await keys.review(await maker.sign(SUBJECT))).toEqual({
        kind: "caller",
        workload: { namespace: "emojivoto", serviceAccount: "web" },
      });
    }
  });

  test("does not know other audiences, other signers, nor tokens outside their time", async () => {
    await using keys = await open();
    const foreign = await createTokenMaker();
    const otherId = await createTokenMaker("ES256", "two");
    const now = Math.floor(Date.now() / 1_000);
    const refused = [
      tokens.sign(SUBJECT, { aud: "https://kubernetes.default.svc" }),
      tokens.sign(SUBJECT, { exp: now - 60 }),
      tokens.sign(SUBJECT, { nbf: now + 60 }),
      foreign.sign(SUBJECT),
      otherId.sign(SUBJECT),
    ];
    for (const token of refused) {
      expect((await keys.review(await token)).kind).toBe("unauthenticated");
    }
  });

  test("wants an end of every token", async () => {
    await using keys = await open();
    const endless = await tokens.sign(SUBJECT, { exp: undefined });
    expect((await keys.review(endless)).kind).toBe("unauthenticated");
  });

  test("takes no unsigned token", async () => {
    await using keys = await open();
    const [, body] = (await tokens.sign(SUBJECT)).split(".");
    const header = Buffer.from('{"alg":"none"}').toString("base64url");
    expect((await keys.review(`${header}.${body}.`)).kind).toBe("invalid");
  });

  test("refuses subjects that are no service account", async () => {
    await using keys = await open();
    for (const subject of ["admin", "system:node:a:b", `${SUBJECT}:more`]) {
      const review = await keys.review(await tokens.sign(subject));
      expect(review.kind).toBe("invalid");
    }
  });

  test("reads the file again when it changes, and keeps the old keys of a broken one", async () => {
    await using keys = await open();
    await writeFile(keys.path, "{");
    await keys.until("token keys update skipped");
    expect((await keys.review(await tokens.sign(SUBJECT))).kind).toBe("caller");
    const next = await createTokenMaker();
    await writeFile(`${keys.path}.new`, next.keySet);
    await rename(`${keys.path}.new`, keys.path);
    await keys.until("token keys updated");
    expect((await keys.review(await next.sign(SUBJECT))).kind).toBe("caller");
    expect((await keys.review(await tokens.sign(SUBJECT))).kind).toBe(
      "unauthenticated",
    );
  });

  test("refuses to start with what is no key set", async () => {
    await expect(open("[]")).rejects.toThrow("expected a JSON Web Key Set");
  });
});
