import {
  Destination,
  DestinationProfileSchema,
} from "../../schemas/proto/gen/destination_pb.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { askController } from "./controller.ts";
import { layOut } from "./go-layout.ts";
import { printJson } from "./print.ts";
import { first } from "./first.ts";

/** Prints what a proxy is told that an address is. */
export async function runProfile(
  given: Given,
  world: World,
): Promise<Outcome> {
  const [path] = given.words;
  if (path === undefined) {
    throw new Problem(
      "config.invalid",
      "accepts 1 arg(s), received 0",
      {
        hint:
          "expected an address, such as 10.0.0.5:80 or web.shop.svc.cluster.local:80",
      },
    );
  }
  const contextToken = given.text("token") ?? "";
  return await askController(given, world, "destination", async (client) => {
    const request = { path, contextToken };
    const profile = await first(client, Destination.method.getProfile, request);
    return {
      code: 0,
      stdout: [printJson(layOut(DestinationProfileSchema, profile))],
    };
  });
}
