import type { Build } from "./process.ts";

/** What `proxy_build_info` tells. */
export const BUILD: Build = {
  version: "0.1.0",
  gitSha: "",
  date: "",
  profile: "release",
  vendor: "linkerd-ts",
};
