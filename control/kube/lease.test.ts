import { afterEach, expect, test } from "bun:test";
import { type LeaseServer, serveLease } from "../testing/lease-server.ts";
import { recordLogs } from "../testing/logs.ts";
import { holdLease, type Lease } from "./lease.ts";

/** Seconds instead of half minutes; a busy machine must still renew in time. */
const TIMES = { durationMs: 2_000, renewMs: 200, giveUpMs: 1_200, retryMs: 50 };

let server: LeaseServer;
const leases = new Map<string, Lease>();
afterEach(async () => {
  for (const lease of leases.values()) await lease.release();
  leases.clear();
  await server.close();
});

/** A replica that wants the lease, and what it is told. */
function want(replica: string) {
  const said: boolean[] = [];
  let wake = (): void => {};
  const lease = holdLease({
    server: server.reach(replica),
    namespace: "linkerd",
    name: "writer",
    labels: { a: "b" },
    holder: replica,
    ownerPath: "/apis/apps/v1/namespaces/linkerd/deployments/owner",
    fieldManager: "tests",
    log: recordLogs().log,
    times: TIMES,
    onChange: (isHeld) => {
      said.push(isHeld);
      if (isHeld) {
        const others = [...leases].filter(([name]) => name !== replica);
        expect(others.filter(([, other]) => other.isHeld())).toEqual([]);
      }
      wake();
    },
  });
  leases.set(replica, lease);
  const until = async (wanted: readonly boolean[]): Promise<void> => {
    while (said.length < wanted.length) {
      await new Promise<void>((resolve) => wake = resolve);
    }
    expect(said).toEqual([...wanted]);
  };
  return { lease, said, until };
}

test("the first replica makes the lease, belonging to its Deployment", async () => {
  server = serveLease();
  const a = want("a");
  await a.until([true]);
  expect(a.lease.isHeld()).toBe(true);
  expect(server.spec()).toMatchObject({
    holderIdentity: "a",
    leaseDurationSeconds: 2,
    leaseTransitions: 0,
    renewTime: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/),
  });
  expect(server.metadata()).toMatchObject({
    name: "writer",
    namespace: "linkerd",
    labels: { a: "b" },
    ownerReferences: [{ kind: "Deployment", name: "owner", uid: "1" }],
  });
});

test("a second replica waits, and is let in at once when the first one ends", async () => {
  server = serveLease();
  const a = want("a");
  await a.until([true]);
  const renewed = server.spec()?.["renewTime"];
  const b = want("b");
  while (server.spec()?.["renewTime"] === renewed) await Bun.sleep(10);
  expect([a.lease.isHeld(), b.lease.isHeld()]).toEqual([true, false]);

  await a.lease.release();
  expect(a.said).toEqual([true, false]);
  await b.until([true]);
  expect(server.spec()).toMatchObject({
    holderIdentity: "b",
    leaseTransitions: 1,
  });
});

test("a holder that cannot renew gives up before another takes over", async () => {
  server = serveLease();
  const a = want("a");
  await a.until([true]);
  const b = want("b");
  server.cut("a");
  // That nobody else holds it when it is taken is seen in onChange.
  await b.until([true]);
  expect(a.said).toEqual([true, false]);
  expect(server.spec()?.["holderIdentity"]).toBe("b");
});

test("of replicas that start together one holds it", async () => {
  server = serveLease();
  const replicas = ["a", "b", "c"].map(want);
  await Promise.race(replicas.map(({ until }) => until([true])));
  await Bun.sleep(TIMES.renewMs);
  expect(replicas.filter(({ lease }) => lease.isHeld())).toHaveLength(1);
});
