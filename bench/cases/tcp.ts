import type { Case } from "../case.ts";
import { runLoad } from "../load/run.ts";
import type { Load } from "../result.ts";

export const bulkTcp: Case = {
  name: "bulk-tcp",
  about: "one stream from server to client, as fast as it goes",
  carries: "tcp",
  merit: { figure: "mbPerS", better: "higher" },
  run: async ({ pod, target, seconds }) =>
    JSON.parse(
      await runLoad(
        pod,
        [
          ...["bun", "bench/load/bulk-sink.ts", target.ip],
          ...[`${target.port}`, `${seconds}`],
        ],
        seconds,
      ),
    ) as Load,
};
