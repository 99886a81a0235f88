import type { Subject } from "./subject.ts";
import { haproxy, haproxyH2hop } from "./subjects/haproxy.ts";
import { nghttpx } from "./subjects/nghttpx.ts";
import { nginx } from "./subjects/nginx.ts";
import { none } from "./subjects/none.ts";
import { ours } from "./subjects/ours.ts";

/** Every subject, in the order of the tables. */
export const SUBJECTS: readonly Subject[] = [
  none,
  ours,
  nginx,
  haproxy,
  haproxyH2hop,
  nghttpx,
];
