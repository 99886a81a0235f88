import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { Endpoint, EndpointSet } from "../schemas/destination.ts";
import type { ClientPolicy } from "../schemas/client-policy.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import type { Observer } from "./control/questions.ts";
import { createSnapshot } from "./control/snapshot.ts";
import { type Bed, createBed, pass, UNLIMITED } from "./testing/control-bed.ts";
import { Writer } from "./wire/writer.ts";

let bed: Bed;

function observe<T>(): Observer<T> & { seen: T[]; refusals: string[] } {
  const seen: T[] = [];
  const refusals: string[] = [];
  return {
    seen,
    refusals,
    next: (value) => void seen.push(value),
    refused: (reason) => void refusals.push(reason),
  };
}

/** An `Update` that adds addresses 10.1.0.n. */
function addUpdate(...hosts: number[]): Uint8Array {
  return new Writer().message(1, (add) => {
    for (const host of hosts) {
      add.message(
        1,
        (weighted) =>
          weighted.message(
            1,
            (address) =>
              address.message(1, (ip) => ip.fixed32(1, 0x0a010000 + host))
                .uint32(2, 80),
          ),
      );
    }
  }).finish();
}

/** A client policy for HTTP/1 without routes, or a server policy: both put the kind into field 1. */
function policy(kind: number): Uint8Array {
  return new Writer().message(1, (protocol) => protocol.message(kind, () => {}))
    .finish();
}

function hosts(set: EndpointSet | undefined): string[] {
  return [...set?.values() ?? []].map(({ address }: Endpoint) => address.ip);
}

beforeEach(() => {
  jest.useFakeTimers();
  bed = createBed();
});

afterEach(async () => {
  bed.control.close();
  await pass(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("a watch", () => {
  test("gives snapshots and keeps the last while the control plane is away", async () => {
    const observer = observe<EndpointSet>();
    bed.control.watchEndpoints("web.shop.svc:80", observer);
    await pass(0);
    expect(bed.request().path).toBe(
      "/io.linkerd.proxy.destination.Destination/Get",
    );
    bed.request().answerHead();
    bed.request().answerMessage(addUpdate(1, 2));
    bed.request().answerMessage(addUpdate(3));
    expect(hosts(observer.seen[1])).toEqual([
      "10.1.0.1",
      "10.1.0.2",
      "10.1.0.3",
    ]);

    bed.last().lose();
    bed.dead.add("10.0.0.1");
    await pass(60_000);
    expect(observer.seen.length).toBe(2);
    expect(observer.refusals).toEqual([]);

    bed.dead.clear();
    await pass(4_000);
    bed.request().answerHead();
    bed.request().answerMessage(addUpdate(2));
    expect(hosts(observer.seen[2])).toEqual(["10.1.0.2"]);
  });

  test("asks again ever more slowly, but at least every four seconds", async () => {
    bed.dead.add("10.0.0.1");
    bed.control.watchEndpoints("web.shop.svc:80", observe());
    await pass(0);
    for (let second = 0; second < 60; second++) await pass(1_000);
    expect(bed.dialled.length).toBeGreaterThan(14);
    expect(bed.dialled.length).toBeLessThan(22);
    expect(bed.logs[0]).toContain(
      "Cannot reach destination: refused by 10.0.0.1",
    );
  });

  test("tries every address of a name, one at a time, and resolves anew", async () => {
    bed.ips = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    bed.dead.add("10.0.0.1").add("10.0.0.2").add("10.0.0.3");
    bed.control.watchEndpoints("web.shop.svc:80", observe());
    await pass(0);
    expect(bed.dialled.toSorted()).toEqual(bed.ips);
    bed.ips = ["10.0.0.4"];
    await pass(100);
    expect(bed.dialled.at(-1)).toBe("10.0.0.4");
    expect(bed.connections.length).toBe(1);
  });

  test("is begun by one connection for all", async () => {
    for (let port = 1; port <= 20; port++) {
      bed.control.watchServerPolicy(port, observe());
    }
    await pass(0);
    expect(bed.connections.length).toBe(1);
    expect(bed.last().requests.length).toBe(20);
  });

  test("takes another connection where the server limits streams", async () => {
    bed.control.watchServerPolicy(1, observe());
    await pass(0);
    bed.last().limit = 1;
    bed.control.watchServerPolicy(2, observe());
    await pass(100);
    expect(bed.connections.length).toBe(2);
    expect(bed.request().over).toBe(false);
  });

  test("moves to another connection when the server says goodbye", async () => {
    const observer = observe<EndpointSet>();
    bed.control.watchEndpoints("web.shop.svc:80", observer);
    await pass(0);
    const old = bed.request();
    old.answerHead();
    bed.last().retire();
    old.answerMessage(addUpdate(1));
    expect(observer.seen.length).toBe(1);
    old.answerEnd(0);
    await pass(500);
    expect(bed.connections.length).toBe(2);
    expect(bed.request()).not.toBe(old);
  });

  test("survives a message it cannot read", async () => {
    const observer = observe<EndpointSet>();
    bed.control.watchEndpoints("web.shop.svc:80", observer);
    await pass(0);
    bed.request().answerHead();
    bed.request().answerMessage(Uint8Array.of(0xff));
    await pass(100);
    bed.request().answerHead();
    bed.request().answerMessage(addUpdate(1));
    expect(hosts(observer.seen[0])).toEqual(["10.1.0.1"]);
    expect(bed.last().requests.length).toBe(2);
    expect(bed.logs[0]).toContain("ended: INTERNAL");
  });

  test("that waits is woken as soon as the service answers another", async () => {
    bed.control.watchServerPolicy(1, observe());
    bed.control.watchServerPolicy(2, observe());
    await pass(0);
    const answerAll = (): void => {
      for (const request of bed.last().requests.filter(({ over }) => !over)) {
        request.answerHead(503, [], true);
      }
    };
    for (let attempt = 0; attempt < 8; attempt++) {
      answerAll();
      await pass(4_000);
    }
    const [first, second] = bed.last().requests.slice(-2);
    first?.answerHead(503, [], true);
    await pass(0);
    second?.answerHead();
    second?.answerMessage(policy(4));
    await pass(0);
    expect(bed.last().requests.at(-1)?.over).toBe(false);
    expect(bed.last().requests.at(-1)).not.toBe(second);
  });

  test("that is closed tells the server and says nothing more", async () => {
    const observer = observe<ServerPolicy>();
    const watch = bed.control.watchServerPolicy(8080, observer);
    await pass(0);
    const request = bed.request();
    request.answerHead();
    watch.close();
    expect(request.cancelled).not.toBeNull();
    request.answerMessage(policy(4));
    expect(observer.seen).toEqual([]);
    // An unused connection is given up.
    await pass(10_000);
    expect(bed.last().closed).toBe(true);
  });

  test("that is closed while it waits leaves nothing behind", async () => {
    bed.dead.add("10.0.0.1");
    const watch = bed.control.watchServerPolicy(8080, observe());
    await pass(0);
    watch.close();
    const dials = bed.dialled.length;
    await pass(60_000);
    expect(bed.dialled.length).toBeLessThanOrEqual(dials + 1);
    expect(bed.connections.length).toBe(0);
  });
});

describe("limits of control streams", () => {
  test("restart a stream that is silent, idle or old, without losing its snapshot", async () => {
    bed = createBed({
      initialTimeoutMs: 3_000,
      idleTimeoutMs: 10_000,
      lifetimeMs: 30_000,
    });
    const observer = observe<EndpointSet>();
    bed.control.watchEndpoints("web.shop.svc:80", observer);
    await pass(0);
    const silent = bed.request();
    await pass(2_999);
    expect(silent.over).toBe(false);
    await pass(1);
    expect(silent.cancelled).not.toBeNull();

    await pass(100);
    const idle = bed.request();
    idle.answerHead();
    idle.answerMessage(addUpdate(1));
    await pass(9_999);
    expect(idle.over).toBe(false);
    await pass(1);
    expect(idle.cancelled).not.toBeNull();

    await pass(100);
    const old = bed.request();
    old.answerHead();
    for (let second = 0; second < 30; second++) {
      old.answerMessage(addUpdate(2));
      await pass(1_000);
    }
    expect(old.cancelled).not.toBeNull();
    expect(hosts(observer.seen.at(-1))).toEqual(["10.1.0.2"]);
    expect(bed.logs).toEqual([]);
  });

  test("do not run while a stream waits for its connection", async () => {
    bed = createBed({ ...UNLIMITED, initialTimeoutMs: 3_000 });
    bed.ips = [];
    bed.control.watchServerPolicy(1, observe());
    await pass(0);
    for (let second = 0; second < 10; second++) await pass(1_000);
    bed.ips = ["10.0.0.1"];
    for (let wait = 0; wait < 40 && bed.connections.length === 0; wait++) {
      await pass(100);
    }
    await pass(2_900);
    expect(bed.last().requests.length).toBe(1);
    expect(bed.request().over).toBe(false);
  });
});

describe("refusals", () => {
  test("of a wrong question about a destination are final", async () => {
    for (
      const [code, name] of [[3, "INVALID_ARGUMENT"], [
        9,
        "FAILED_PRECONDITION",
      ]] as const
    ) {
      const observer = observe<EndpointSet>();
      bed.control.watchEndpoints("foo", observer);
      await pass(0);
      bed.request().answerHead();
      bed.request().answerEnd(code, "Invalid authority: foo");
      await pass(600_000);
      expect(observer.refusals).toEqual([`${name}: Invalid authority: foo`]);
    }
    expect(bed.connections.flatMap(({ requests }) => requests).length).toBe(2);
  });

  test("of an unknown target by client policy are told once and asked again later", async () => {
    const observer = observe<ClientPolicy>();
    bed.control.watchClientPolicy({ ip: "10.96.0.1", port: 80 }, observer);
    await pass(0);
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      bed.request().answerHead();
      bed.request().answerEnd(5, "no such target");
      const asked = bed.connections.flatMap(({ requests }) => requests).length;
      await pass(seconds * 1_000 - 10);
      expect(bed.connections.flatMap(({ requests }) => requests).length)
        .toBe(asked);
      await pass(20);
    }
    expect(observer.refusals).toEqual(["NOT_FOUND: no such target"]);
    bed.request().answerHead();
    bed.request().answerMessage(policy(3));
    expect(observer.seen[0]?.protocol.kind).toBe("http1");
  });

  test("of a target known before do not take its policy away", async () => {
    const observer = observe<ClientPolicy>();
    bed.control.watchClientPolicy("web.shop.svc:80", observer);
    await pass(0);
    bed.request().answerHead();
    bed.request().answerMessage(policy(3));
    bed.request().answerEnd(5, "index is not built yet");
    await pass(100);
    bed.request().answerHead();
    bed.request().answerMessage(policy(4));
    expect(observer.refusals).toEqual([]);
    expect(observer.seen.map(({ protocol }) => protocol.kind)).toEqual([
      "http1",
      "http2",
    ]);
  });

  test("by a controller without the API are final, and server policy is asked for always", async () => {
    const client = observe<ClientPolicy>();
    bed.control.watchClientPolicy("web.shop.svc:80", client);
    await pass(0);
    bed.request().answerHead(404, [], true);
    expect(client.refusals[0] ?? "").toBe("");
    await pass(0);
    expect(client.refusals[0]).toStartWith("UNIMPLEMENTED");

    const server = observe<ServerPolicy>();
    bed.control.watchServerPolicy(8080, server);
    await pass(0);
    bed.request().answerHead();
    bed.request().answerEnd(5, "unknown pod");
    await pass(100);
    bed.request().answerHead();
    bed.request().answerMessage(policy(2));
    expect(server.refusals).toEqual([]);
    expect(server.seen[0]?.protocol.kind).toBe("opaque");
  });
});

describe("a watch after a restart", () => {
  const memory = () =>
    createSnapshot({ path: null, now: () => Date.now(), log() {} });
  let snapshot = memory();

  /** A new process with what the last one kept, and no control plane. */
  function restart(): void {
    bed.control.close();
    bed = createBed(UNLIMITED, snapshot);
    bed.dead.add("10.0.0.1");
  }

  beforeEach(() => {
    bed.control.close();
    snapshot = memory();
    bed = createBed(UNLIMITED, snapshot);
  });

  test("has the policy of a port at once, also while nobody can be asked", async () => {
    bed.control.watchServerPolicy(80, observe());
    await pass(0);
    bed.request().answerHead();
    bed.request().answerMessage(policy(1));
    bed.request().answerMessage(policy(3));
    restart();
    const observer = observe<ServerPolicy>();
    bed.control.watchServerPolicy(80, observer);
    expect(observer.seen.map(({ protocol }) => protocol.kind)).toEqual(["tls"]);
    const other = observe<ServerPolicy>();
    bed.control.watchServerPolicy(81, other);
    await pass(60_000);
    expect(observer.seen.length).toBe(1);
    expect(other.seen).toEqual([]);
  });

  test("has endpoints once the control plane has been silent, and what it says once it is back", async () => {
    bed.control.watchEndpoints("web.shop.svc:80", observe());
    bed.control.watchEndpoints("db.shop.svc:80", observe());
    await pass(0);
    for (const request of bed.last().requests) {
      request.answerHead();
      request.answerMessage(addUpdate(1, 2));
      request.answerMessage(addUpdate(3));
    }
    restart();
    const web = observe<EndpointSet>();
    bed.control.watchEndpoints("web.shop.svc:80", web);
    await pass(999);
    expect(web.seen).toEqual([]);
    await pass(1);
    expect(web.seen.map(hosts)).toEqual([["10.1.0.1", "10.1.0.2", "10.1.0.3"]]);
    // That it is away is known by now.
    const db = observe<EndpointSet>();
    bed.control.watchEndpoints("db.shop.svc:80", db);
    expect(db.seen).toEqual([]);
    await pass(0);
    expect(db.seen.length).toBe(1);

    bed.dead.clear();
    await pass(4_000);
    const back = bed.last().requests[0];
    back?.answerHead();
    back?.answerMessage(addUpdate(2));
    expect(hosts(web.seen[1])).toEqual(["10.1.0.2"]);
  });

  test("hears nothing old from a control plane that answers", async () => {
    bed.control.watchProfile("10.1.0.1:80", observe());
    await pass(0);
    bed.request().answerHead();
    bed.request().answerMessage(new Uint8Array(0));
    restart();
    bed.dead.clear();
    const observer = observe();
    bed.control.watchProfile("10.1.0.1:80", observer);
    await pass(0);
    bed.request().answerHead();
    bed.request().answerMessage(new Uint8Array(0));
    await pass(5_000);
    expect(observer.seen.length).toBe(1);
  });

  test("has nothing of what the control plane has taken back", async () => {
    bed.control.watchEndpoints("web.shop.svc:80", observe());
    await pass(0);
    bed.request().answerHead();
    bed.request().answerMessage(addUpdate(1));
    bed.request().answerEnd(3, "no such service");
    await pass(0);
    restart();
    const observer = observe();
    bed.control.watchEndpoints("web.shop.svc:80", observer);
    await pass(5_000);
    expect(observer.seen).toEqual([]);
  });

  test("ignores what it cannot read any more, in one line", async () => {
    const path = "/io.linkerd.proxy.inbound.InboundServerPolicies/WatchPort";
    bed.control.watchServerPolicy(80, observe());
    await pass(0);
    const request = bed.request().body.slice(5);
    snapshot.open(path, request, "whole", true).add(Uint8Array.of(0xff));
    restart();
    const observer = observe();
    bed.control.watchServerPolicy(80, observer);
    expect(observer.seen).toEqual([]);
    expect(bed.logs).toEqual(["Ignoring what cannot be read any more"]);
    expect(snapshot.open(path, request, "whole", true).recall()).toEqual([]);
  });
});
