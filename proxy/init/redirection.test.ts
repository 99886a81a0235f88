/** The rules at work: two network namespaces, a pod and its neighbour, both address families, both kinds of tables. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

const POD = `init-pod-${process.pid}`;
const PEER = `init-peer-${process.pid}`;

const here = (file: string): string => `${import.meta.dir}/${file}`;

const inside = (namespace: string, command: string[]): string[] => [
  ...["ip", "netns", "exec", namespace],
  ...command,
];

interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function finish(command: string[]): Finished {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  return { code: exitCode, out: `${stdout}`, err: `${stderr}` };
}

function must(command: string[]): string {
  const { code, out, err } = finish(command);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${err}`);
  return out;
}

const init = (...flags: string[]): Finished =>
  finish(inside(POD, [
    ...[process.execPath, here("main.ts"), "-p", "4143", "-o", "4140"],
    ...flags,
  ]));

const validator = (...flags: string[]): Finished =>
  finish(inside(POD, [
    ...[process.execPath, here("validate-main.ts"), "--timeout", "2s"],
    ...flags,
  ]));

/** What each address said to a client of that namespace, by address. */
function dial(
  namespace: string,
  addresses: string[],
  owner = { uid: 0, gid: 0 },
): Record<string, string> {
  const output = must(inside(namespace, [
    ...[process.execPath, here("testing/dial.ts")],
    ...[`${owner.uid}`, `${owner.gid}`, ...addresses],
  ]));
  return Object.fromEntries(
    output.trim().split("\n").map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)];
    }),
  );
}

/** Stands in for the proxy: listens where connections are to arrive. */
async function startTarget(): Promise<Bun.Subprocess> {
  const target = Bun.spawn(
    inside(POD, [
      ...[process.execPath, here("testing/target.ts")],
      ...["127.0.0.1:4140", "[::1]:4140", "0.0.0.0:4143", "[::]:4143"],
    ]),
    { stdout: "pipe" },
  );
  const reader = target.stdout.getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value)).toBe("ready\n");
  reader.releaseLock();
  return target;
}

/** Rules of both families without their packet counters and dates. */
const savedRules = (mode: string): string =>
  ["iptables", "ip6tables"].map((tables) =>
    must(inside(POD, [`${tables}-${mode}-save`, "-t", "nat"]))
      .split("\n").filter((line) => !line.startsWith("#"))
      .map((line) => line.replace(/\[\d+:\d+\]/, "")).join("\n")
  ).join("\n");

function removeNamespaces(): void {
  for (const namespace of [POD, PEER]) {
    finish(["ip", "netns", "delete", namespace]);
  }
}

let target: Bun.Subprocess;

beforeEach(async () => {
  removeNamespaces();
  const ip = (...words: string[]): string => must(["ip", ...words]);
  ip("netns", "add", POD);
  ip("netns", "add", PEER);
  const link = ["type", "veth", "peer", "name", "eth0", "netns", PEER];
  ip("-n", POD, "link", "add", "eth0", ...link);
  for (const [namespace, host] of [[POD, 1], [PEER, 2]] as const) {
    ip("-n", namespace, "address", "add", `10.9.0.${host}/24`, "dev", "eth0");
    ip(
      ...["-n", namespace, "address", "add", `fd09::${host}/64`],
      ...["dev", "eth0", "nodad"],
    );
    ip("-n", namespace, "link", "set", "lo", "up");
    ip("-n", namespace, "link", "set", "eth0", "up");
  }
  ip("-n", POD, "route", "add", "default", "via", "10.9.0.2");
  ip("-n", POD, "route", "add", "default", "via", "fd09::2");
  target = await startTarget();
});

afterEach(async () => {
  target.kill();
  await target.exited;
  removeNamespaces();
});

const OUTBOUND = ["10.9.0.2:9000", "[fd09::2]:9000"];
const INBOUND = ["10.9.0.1:8080", "[fd09::1]:8080"];

const refused = (addresses: string[]): Record<string, string> =>
  Object.fromEntries(addresses.map((one) => [one, "ECONNREFUSED"]));
const redirected = (addresses: string[]): Record<string, string> =>
  Object.fromEntries(addresses.map((one) => [one, one]));

describe.each(["nft", "legacy"])("proxy init with %s tables", (mode) => {
  const flags = [
    ...["--iptables-mode", mode, "--proxy-uid", "2102", "--proxy-gid", "2103"],
    ...["--inbound-ports-to-ignore", "4190,4191,7000-7001"],
    ...["--outbound-ports-to-ignore", "9443,9500-9600"],
  ];

  test("redirects both directions and both families, and keeps the dialled address", () => {
    expect(dial(POD, OUTBOUND)).toEqual(refused(OUTBOUND));
    expect(dial(PEER, INBOUND)).toEqual(refused(INBOUND));

    expect(init(...flags)).toMatchObject({ code: 0 });

    expect(dial(POD, OUTBOUND)).toEqual(redirected(OUTBOUND));
    expect(dial(PEER, INBOUND)).toEqual(redirected(INBOUND));
  });

  test("leaves skipped ports, the proxy's own user and group, and loopback alone", () => {
    expect(init(...flags)).toMatchObject({ code: 0 });

    const skippedOut = ["10.9.0.2:9443", "[fd09::2]:9550"];
    expect(dial(POD, skippedOut)).toEqual(refused(skippedOut));
    const skippedIn = ["10.9.0.1:4191", "[fd09::1]:7001"];
    expect(dial(PEER, skippedIn)).toEqual(refused(skippedIn));
    const user = { uid: 2102, gid: 0 };
    expect(dial(POD, OUTBOUND, user)).toEqual(refused(OUTBOUND));
    const group = { uid: 0, gid: 2103 };
    expect(dial(POD, OUTBOUND, group)).toEqual(refused(OUTBOUND));
    const local = ["127.0.0.1:8080", "[::1]:8080", "10.9.0.1:8080"];
    expect(dial(POD, local)).toEqual(refused(local));
  });

  test("leaves connections from skipped subnets alone, each family its own", () => {
    const subnets = (list: string): Finished =>
      init(...flags, "--subnets-to-ignore", list);
    expect(subnets("10.9.0.0/24,fd01::/64")).toMatchObject({ code: 0 });
    expect(dial(PEER, INBOUND)).toEqual({
      "10.9.0.1:8080": "ECONNREFUSED",
      "[fd09::1]:8080": "[fd09::1]:8080",
    });
  });

  test("leaves the same rules when it runs again", () => {
    expect(init(...flags)).toMatchObject({ code: 0 });
    const first = savedRules(mode);
    expect(first).toContain("proxy-init/redirect-all-outgoing-to-proxy-port");
    expect(init(...flags)).toMatchObject({ code: 0 });
    expect(savedRules(mode)).toBe(first);
  });

  test("changes nothing when it simulates", () => {
    const before = savedRules(mode);
    const { code, out } = init(...flags, "--simulate");
    expect(code).toBe(0);
    expect(out).toContain("-N PROXY_INIT_REDIRECT\n");
    expect(savedRules(mode)).toBe(before);
  });

  test("works on another namespace by its path", () => {
    const outside = finish([
      ...[process.execPath, here("main.ts"), "-p", "4143", "-o", "4140"],
      ...[...flags, "--netns", `/run/netns/${POD}`],
    ]);
    expect(outside).toMatchObject({ code: 0 });
    expect(dial(POD, OUTBOUND)).toEqual(redirected(OUTBOUND));
  });
});

describe("proxy init", () => {
  test("says what failed and what to check", () => {
    const { code, err } = init("--netns", "/run/netns/nowhere");
    expect(code).toBe(1);
    expect(err).toContain("/run/netns/nowhere -- iptables-legacy-save -t nat");
    expect(err).toContain("No such file");
  });

  test("exits with 64 when its flags make no sense", () => {
    const { code, err } = init("--inbound-ports-to-ignore", "http");
    expect(code).toBe(64);
    expect(err).toContain('--inbound-ports-to-ignore is "http"');
  });
});

describe("the network validator", () => {
  const elsewhere = ["--listen-addr", "0.0.0.0:4150"];

  test("passes where connections are redirected", () => {
    const { code } = init("--iptables-mode", "nft", "-o", "4150");
    expect(code).toBe(0);
    expect(validator(...elsewhere)).toMatchObject({ code: 0 });
    expect(validator(
      ...["--listen-addr", "[::]:4150", "--connect-addr", "[fd09::2]:20001"],
    )).toMatchObject({ code: 0 });
  });

  test("exits with 95 where they are not", () => {
    const { code, err } = validator(
      ...[...elsewhere, "--connect-addr", "10.9.0.2:20001"],
    );
    expect(code).toBe(95);
    expect(err).toContain("0.0.0.0:4150 through 10.9.0.2:20001");
    expect(err).toContain("not redirected");
  });

  test("exits with 95 when nothing comes in time, or somebody else answers", () => {
    const silent = validator(...elsewhere, "--timeout", "300ms");
    expect(silent.code).toBe(95);
    expect(silent.err).toContain("nothing within 300 ms");
    const stranger = validator(...elsewhere, "--connect-addr", "10.9.0.1:4143");
    expect(stranger.code).toBe(95);
    expect(stranger.err).toContain("somebody else answers");
  });

  test("exits with 64 when its flags make no sense", () => {
    const { code, err } = validator("--connect-addr", "nowhere", "--timeout=1");
    expect(code).toBe(64);
    expect(err).toContain("--connect-addr");
    expect(err).toContain("--timeout");
  });
});
