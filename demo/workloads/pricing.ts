// The demo's gRPC service: what things cost, once or as a stream.
import { createServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Pricing } from "./proto/gen/pricing_pb.ts";

const PORT = 9000;

const server = createServer(connectNodeAdapter({
  routes: ({ service }) => {
    service(Pricing, {
      quote: ({ item }) => ({ item, cents: priceOf(item) }),
      async *watch({ item, count }) {
        for (let sent = 0; sent < count; sent++) {
          yield { item, cents: priceOf(item) + sent };
          await Bun.sleep(TICK_MS);
        }
      },
    });
  },
}));

/** Time between two prices of a stream. */
const TICK_MS = 5;

function priceOf(item: string): number {
  return 100 + 10 * item.length;
}

server.listen(PORT, "0.0.0.0", () => process.stdout.write("ready\n"));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
