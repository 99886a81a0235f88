import type { Pod } from "../../demo/bed/pod.ts";
import { ended } from "../../demo/bed/program.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { BACKEND_PORTS, type Protocol } from "../backend.ts";
import type { Stage } from "../stage.ts";
import { type PairPorts, portsFrom, type Running } from "../subject.ts";

/** What one proxy of a pair is told: where it listens and where it sends to, and on which side the hop is. */
export interface Role {
  readonly side: "client" | "server";
  /** The IP address that it sends to. */
  readonly next: string;
  readonly listen: Readonly<Record<Protocol, number>>;
  readonly forward: Readonly<Record<Protocol, number>>;
}

/** How a peer is started in a pod for a role; resolves to its command line. */
export type Arrange = (role: Role, stage: Stage) => Promise<string[]>;

/** Starts a peer twice, next to the load and next to the backend, and waits until a protocol it carries passes both. */
export async function startPair(
  name: string,
  base: number,
  stage: Stage,
  arrange: Arrange,
): Promise<Running> {
  const { client, server, bed } = stage;
  const ports: PairPorts = portsFrom(base);
  const start = async (pod: Pod, role: Role) =>
    pod.run(await arrange(role, stage));
  const last = await start(server, {
    side: "server",
    next: "127.0.0.1",
    listen: ports.hop,
    forward: BACKEND_PORTS,
  });
  const first = await start(client, {
    side: "client",
    next: server.ip,
    listen: ports.face,
    forward: ports.hop,
  });
  const says = () => `${first.tail()}\n${last.tail()}`;
  const over = new AbortController();
  void Promise.race([first.exited, last.exited]).then(({ code }) =>
    over.abort(ended([name], code, says()))
  );
  const url = `http://${client.ip}:${ports.face.http1}/`;
  await waitFor(async () => (await bed.fetch(url)).ok || null, {
    what: () => `an answer through the ${name} pair, which says:\n${says()}`,
    signal: over.signal,
  });
  return {
    client,
    addressOf: (protocol) => ({ ip: client.ip, port: ports.face[protocol] }),
    pids: [first.pid, last.pid],
  };
}
