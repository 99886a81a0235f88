import type { Server } from "node:net";
import type { ListenAddress } from "../config/address.ts";
import { describe, Problem } from "../../schemas/problem.ts";

/** Starts a listener and tells its port; throws `system.failed` when the address cannot be had. */
export function listen(
  server: Server,
  address: ListenAddress,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error): void => {
      reject(
        new Problem(
          "system.failed",
          `Cannot listen on ${address.host ?? ""}:${address.port}: ${
            describe(cause)
          }`,
          { cause, hint: "another program may have the port" },
        ),
      );
    };
    server.once("error", refused);
    const ready = (): void => {
      server.off("error", refused);
      const found = server.address();
      resolve(typeof found === "object" ? found?.port ?? 0 : 0);
    };
    if (address.host === undefined) server.listen(address.port, ready);
    else server.listen(address.port, address.host, ready);
  });
}
