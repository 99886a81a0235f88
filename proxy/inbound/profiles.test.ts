import { afterEach, expect, test } from "bun:test";
import type { Profile } from "../../schemas/destination.ts";
import { Field } from "../http/field.ts";
import { METHOD, PATH, RequestHead } from "../http/message.ts";
import { createRegistry } from "../record.ts";
import { profileFamilies } from "../record/profile.ts";
import { FakeControl } from "../testing/fake-control.ts";
import { createProfiles } from "./profiles.ts";

const WEB = "web.shop.svc.cluster.local";
const IDLE_MS = 60_000;

let control = new FakeControl();
afterEach(() => {
  control = new FakeControl();
});

function open(options: { initialTimeoutMs?: number; idleMs?: number } = {}) {
  const registry = createRegistry({ retainIdleMs: 0 });
  return createProfiles({
    control,
    suffixes: ["svc.cluster.local"],
    initialTimeoutMs: options.initialTimeoutMs ?? IDLE_MS,
    idleMs: options.idleMs ?? IDLE_MS,
    families: profileFamilies(registry).route,
  });
}

function request(
  host: string,
  { path = "/", canonical }: { path?: string; canonical?: string } = {},
): RequestHead {
  const head = new RequestHead(
    "1.1",
    Field.of(METHOD.text, "GET"),
    Field.of(PATH.text, path),
    canonical === undefined ? [] : [Field.of("l5d-dst-canonical", canonical)],
  );
  head.host = Field.of("host", host);
  return head;
}

const PROFILE: Profile = {
  fullyQualifiedName: WEB,
  opaque: false,
  endpoint: null,
  routing: {
    routes: [{
      condition: { kind: "path", pattern: "/books" },
      responseClasses: [
        { condition: { kind: "status", min: 404, max: 404 }, isFailure: true },
      ],
      labels: { route: "books" },
      retries: false,
      timeoutMs: null,
    }],
    retryBudget: null,
    targets: [],
    parent: null,
    profile: null,
  },
};

test("a Service is what the client's proxy says, else what is asked for; addresses and other domains are none", () => {
  const profiles = open();
  const heads = [
    request(WEB),
    request(`${WEB.toUpperCase()}.:8080`),
    request("web", { canonical: `${WEB}:81` }),
    request("web"),
    request("10.0.0.1:80"),
    request("evil-svc.cluster.local"),
    request(""),
  ];
  for (const head of heads) expect(profiles.routeOf(head)).toBeNull();
  expect(control.profiles.asked).toEqual([
    `${WEB}:80`,
    `${WEB}:8080`,
    `${WEB}:81`,
  ]);
});

test("a request waits for the first word, and counts by what it says", () => {
  const profiles = open();
  const ready: string[] = [];
  profiles.pending(request(WEB))?.(() => ready.push("first"));
  profiles.pending(request(WEB))?.(() => ready.push("second"));
  expect(ready).toEqual([]);
  control.profiles.next(`${WEB}:80`, PROFILE);
  expect(ready).toEqual(["first", "second"]);
  expect(profiles.pending(request(WEB))).toBeNull();

  const books = profiles.routeOf(request(WEB, { path: "/books" }));
  const ending = { grpc: false, status: 404, grpcStatus: null, error: null };
  expect(books?.judge(ending).classification).toBe("failure");
  const other = profiles.routeOf(request(WEB));
  expect(other?.judge(ending).classification).toBe("success");
  expect(profiles.routeOf(request(WEB, { path: "/books" }))).toBe(
    books ?? null,
  );

  control.profiles.next(`${WEB}:80`, { ...PROFILE, routing: null });
  expect(profiles.routeOf(request(WEB))).toBeNull();
});

test("a request goes on when there is no profile, and when nobody says so in time", async () => {
  const refused = open();
  const told = Promise.withResolvers<void>();
  refused.pending(request(WEB))?.(told.resolve);
  control.profiles.refuse(`${WEB}:80`);
  await told.promise;

  control = new FakeControl();
  const silent = open({ initialTimeoutMs: 5 });
  const late = Promise.withResolvers<void>();
  silent.pending(request(WEB))?.(late.resolve);
  await late.promise;
  expect(silent.pending(request(WEB))).toBeNull();
});

test("clients that make up names are not followed without end", async () => {
  const profiles = open({ idleMs: 20 });
  for (let name = 0; name < 10_000; name++) {
    profiles.routeOf(request(`made-up-${name}.svc.cluster.local`));
  }
  expect(control.profiles.open.length).toBe(100);
  // What nobody asks for any more makes room.
  while (control.profiles.open.length > 0) await Bun.sleep(5);
  profiles.routeOf(request(WEB));
  expect(control.profiles.open).toEqual([`${WEB}:80`]);
});
