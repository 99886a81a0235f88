import { test } from "bun:test";
import { givenKubeconfig } from "../given.ts";

/** A test that reaches below Kubernetes, which only a cluster of ours lets it: on others it is left out, and named. */
export const testOnOurs: typeof test = givenKubeconfig() === undefined
  ? test
  : test.skip as typeof test;
