import { VERSION } from "../schemas/version.ts";
import type { Build } from "./process.ts";

/** What `proxy_build_info` tells. */
export const BUILD: Build = {
  version: VERSION,
  gitSha: "",
  date: "",
  profile: "release",
  vendor: "linkerd-ts",
};
