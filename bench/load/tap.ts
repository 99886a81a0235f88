/** `bun tap.ts max-rps path-prefix ip...`: taps the proxies there as the metrics component does, until it is stopped. */
import { PORTS } from "../../schemas/names.ts";
import { connectGrpc } from "../../control/tap/client.ts";
import type { TapPod } from "../../control/tap/pods.ts";
import { createTapping } from "../../control/tap/tapping.ts";

const [maxRps = "", path = "", ...ips] = process.argv.slice(2);

const pods = ips.map((ip): TapPod => ({
  id: ip,
  namespace: "default",
  name: ip,
  ips: [ip],
  port: PORTS.tap,
  identity: null,
  labels: {},
  owners: {},
  metadata: {},
  state: "enabled",
}));
const tapping = createTapping({
  pods: () => pods,
  whoIs: () => undefined,
  connect: connectGrpc(),
  now: Date.now,
  failed(pod, why) {
    process.stderr.write(`cannot tap ${pod.name}: ${why}\n`);
    process.exit(1);
  },
  counted() {},
});
const events = tapping(
  { kind: "namespace", name: null, namespace: "default" },
  {
    selector: "",
    to: null,
    maxRps: Number(maxRps),
    scheme: null,
    method: null,
    authority: null,
    path,
    headers: false,
  },
  new AbortController().signal,
);
process.stdout.write("tapping\n");
let seen = 0;
for await (const _ of events) {
  if (seen++ === 0) process.stdout.write("seen\n");
}
