import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KeyUsageFlags } from "@peculiar/x509";
import type { TokenReviewer } from "../caller.ts";
import { createScratch } from "../testing/scratch.ts";
import { createCa, type Pair } from "../testing/pki.ts";
import { findApiServer } from "./in-cluster.ts";
import { createTokenReviewer } from "./token-review.ts";

const window = {
  notBeforeMs: Date.now() - 60_000,
  notAfterMs: Date.now() + 3_600_000,
};

/** What an API server is asked, and answers. */
let asked: { authorization: string | null; body: unknown }[] = [];
let answer: (body: { spec: { audiences?: string[] } }) => Response;

let folder: Awaited<ReturnType<typeof createScratch>>;
let server: Bun.Server<undefined>;
let ca: Pair;
let review: TokenReviewer;

beforeAll(async () => {
  ca = await createCa({
    name: "cluster",
    ip: "127.0.0.1",
    usages: KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature,
    ...window,
  });
  folder = await createScratch();
  await writeFile(join(folder.path, "ca.crt"), ca.certificatePem);
  await writeFile(join(folder.path, "token"), "mine\n");
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: ca.certificatePem, key: ca.keyPem },
    fetch: async (request) => {
      const body = await request.json();
      const authorization = request.headers.get("authorization");
      asked.push({ authorization, body });
      return answer(body);
    },
  });
  const env = {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(server.port),
  };
  review = createTokenReviewer(findApiServer(env, folder.path));
});
beforeEach(() => void (asked = []));
afterAll(async () => {
  await server.stop(true);
  await folder[Symbol.asyncDispose]();
});

const known = () =>
  Response.json({
    status: {
      authenticated: true,
      user: { username: "system:serviceaccount:emojivoto:web" },
      audiences: ["identity.l5d.io"],
    },
  }, { status: 201 });

describe("createTokenReviewer()", () => {
  test("asks for the audience of identity and knows the caller", async () => {
    answer = known;
    expect(await review("theirs")).toEqual({
      kind: "caller",
      workload: { namespace: "emojivoto", serviceAccount: "web" },
    });
    expect(asked).toEqual([{
      authorization: "Bearer mine",
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token: "theirs", audiences: ["identity.l5d.io"] },
      },
    }]);
  });

  test("reads its own token anew for each review", async () => {
    answer = known;
    await writeFile(join(folder.path, "token"), "renewed");
    await review("theirs");
    expect(asked[0]?.authorization).toBe("Bearer renewed");
  });

  test("asks once more without audiences where the API server knows none", async () => {
    answer = ({ spec }) =>
      spec.audiences === undefined ? known() : Response.json({
        status: { error: "unsupported: token audiences are not validated" },
      });
    expect((await review("theirs")).kind).toBe("caller");
    expect(asked).toHaveLength(2);
  });

  test("tells the unknown from the invalid", async () => {
    answer = () => Response.json({ status: { authenticated: false } });
    expect((await review("theirs")).kind).toBe("unauthenticated");
    answer = () => Response.json({ status: { error: "token is expired" } });
    expect(await review("theirs")).toEqual({
      kind: "invalid",
      message: 'Cannot accept token: the API server says "token is expired"',
    });
  });

  test("fails when the API server forbids, talks nonsense or is another", async () => {
    answer = () => new Response("no", { status: 403 });
    await expect(review("theirs")).rejects.toThrow("it answers 403");
    answer = () => new Response("<html>");
    await expect(review("theirs")).rejects.toThrow("Cannot review token");
    const other = await createCa({ name: "other", ...window });
    const stranger = createTokenReviewer({
      url: `https://127.0.0.1:${server.port}`,
      token: () => Promise.resolve("mine"),
      ca: () => Promise.resolve(other.certificatePem),
    });
    asked = [];
    await expect(stranger("theirs")).rejects.toThrow("Cannot review token");
    expect(asked).toEqual([]);
  });
});

test("findApiServer() says what is missing outside of a cluster", () => {
  expect(() => findApiServer({})).toThrow("KUBERNETES_SERVICE_HOST");
  const env = {
    KUBERNETES_SERVICE_HOST: "fd00::1",
    KUBERNETES_SERVICE_PORT: "443",
  };
  expect(findApiServer(env).url).toBe("https://[fd00::1]:443");
});
