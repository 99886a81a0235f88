import type { Profile } from "../../schemas/destination.ts";
import type { Control } from "../control.ts";
import type { Watch } from "../control/watch.ts";
import type { RouteMetrics } from "../direction.ts";
import { forward, forwardWhen } from "../forward.ts";
import { Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import type { RequestHead } from "../http/message.ts";
import { createJudge } from "../profile/classes.ts";
import { recordRequests } from "../profile/recorder.ts";
import { createRouteTable } from "../profile/route-table.ts";
import type { Judge } from "../record/classify.ts";
import { profileRouteLabels } from "../record/profile.ts";
import type { HttpFamilies } from "../record/traffic.ts";
import type { Labels } from "../tap/event.ts";

/** A route of a ServiceProfile, as requests that arrive are judged and counted by it. */
export interface ServedRoute extends Pick<RouteMetrics, "finished"> {
  readonly judge: Judge;
  readonly labels: Labels;
}

/** The ServiceProfiles of the Services that requests are for. */
export interface Profiles {
  /** Null: the Service has no profile, or none is known. */
  routeOf(head: RequestHead): ServedRoute | null;
  /** Calls back once it is known whether there is a profile, or has taken too long to be; null: it is known. */
  pending(head: RequestHead): ((ready: () => void) => void) | null;
}

export interface ProfilesOptions {
  readonly control: Pick<Control, "watchProfile">;
  /** Domains of which profiles are asked; "" for all. */
  readonly suffixes: readonly string[];
  /** How long requests wait for the first word about a profile. */
  readonly initialTimeoutMs: number;
  /** How long a profile is kept that no request asks for. */
  readonly idleMs: number;
  readonly families: HttpFamilies;
}

/** Services whose profiles are followed at a time: a pod is behind a few, and clients can make up any number of names. */
const MAX_SERVICES = 100;
/** Requests that wait for a first word; others go on without it. */
const MAX_WAITING = 1_000;
/** Names whose Service is remembered. */
const MAX_NAMES = 1_000;
/** Longer than any name of a Service with its port. */
const MAX_NAME_CHARS = 512;
const DEFAULT_PORT = 80;
/** The Service that a client's proxy has routed a request by. */
const CANONICAL = Name.of("l5d-dst-canonical");

interface Entry {
  find: ((head: RequestHead) => ServedRoute) | null;
  release: () => void;
  /** Requests that wait for the first word; null: there has been one. */
  waiting: Set<() => void> | null;
  used: boolean;
  readonly close: () => void;
}

/**
 * Follows the ServiceProfile of each Service that requests name (facts 4.2): by `l5d-dst-canonical`, `:authority` or Host. It
 * decides nothing but how requests count, so that a name that a client makes up opens nothing.
 */
export function createProfiles(options: ProfilesOptions): Profiles {
  const entries = new Map<string, Entry>();
  /** Services by what requests call them: there is a look-up for each request. */
  const services = new Map<string, string | null>();

  function entryOf(head: RequestHead): Entry | null {
    const named = findField(head.fields, CANONICAL) ?? head.authority ??
      head.host;
    if (named === null || named.value.length > MAX_NAME_CHARS) return null;
    const { text } = named;
    let service = services.get(text);
    if (service === undefined) {
      service = serviceOf(text, options.suffixes);
      if (services.size >= MAX_NAMES) services.clear();
      services.set(text, service);
    }
    if (service === null) return null;
    let entry = entries.get(service);
    if (entry === undefined) {
      if (entries.size >= MAX_SERVICES) return null;
      entry = follow(service);
      entries.set(service, entry);
    }
    entry.used = true;
    return entry;
  }

  function follow(service: string): Entry {
    let watch: Watch | null = null;
    const idle = setInterval(() => {
      if (!entry.used) entry.close();
      entry.used = false;
    }, options.idleMs);
    const entry: Entry = {
      find: null,
      release() {},
      waiting: new Set(),
      used: true,
      close() {
        entries.delete(service);
        clearInterval(idle);
        clearTimeout(late);
        watch?.close();
        entry.release();
      },
    };
    const settle = () => {
      clearTimeout(late);
      const { waiting } = entry;
      entry.waiting = null;
      for (const ready of waiting ?? []) ready();
    };
    const late = setTimeout(settle, options.initialTimeoutMs);
    const hold = (profile: Profile | null) => {
      entry.release();
      Object.assign(entry, serve(profile, service, options.families));
      settle();
    };
    watch = options.control.watchProfile(service, {
      next: hold,
      refused: () => hold(null),
    });
    return entry;
  }

  return {
    routeOf: (head) => entryOf(head)?.find?.(head) ?? null,
    pending(head) {
      const waiting = entryOf(head)?.waiting ?? null;
      if (waiting === null || waiting.size >= MAX_WAITING) return null;
      return (ready) => void waiting.add(ready);
    },
  };
}

/** Forwards requests once it is known by which profile they count. */
export function forwardBy(profiles: Profiles | undefined): typeof forward {
  if (profiles === undefined) return forward;
  return (exchange, direction) => {
    const pending = profiles.pending(exchange.head);
    if (pending === null) forward(exchange, direction);
    else forwardWhen(exchange, direction, pending);
  };
}

/** `name:port` of the Service that has a name; null when no profile is asked for such names. */
function serviceOf(name: string, suffixes: readonly string[]): string | null {
  const [, host, port] =
    /^([a-z0-9.-]+?)\.?(?::(\d{1,5}))?$/.exec(name.toLowerCase()) ?? [];
  if (host === undefined || !/[a-z]/.test(host)) return null; // an address
  const isKnown = suffixes.some((suffix) =>
    suffix === "" || host === suffix || host.endsWith(`.${suffix}`)
  );
  return isKnown ? `${host}:${port ?? DEFAULT_PORT}` : null;
}

function serve(
  profile: Profile | null,
  service: string,
  families: HttpFamilies,
): Pick<Entry, "find" | "release"> {
  const routing = profile?.routing ?? null;
  if (profile === null || routing === null) {
    return { find: null, release() {} };
  }
  const port = service.slice(service.lastIndexOf(":") + 1);
  const dst = `${profile.fullyQualifiedName}:${port}`;
  const recorders: { release(): void }[] = [];
  const find = createRouteTable(routing.routes, (route): ServedRoute => {
    const judge = createJudge(route.responseClasses);
    const labels = profileRouteLabels("inbound", dst, route.labels);
    const recorder = recordRequests(families, labels, judge);
    recorders.push(recorder);
    const { finished } = recorder;
    return { judge, labels: route.labels, finished };
  });
  return {
    find,
    release: () => recorders.forEach((recorder) => recorder.release()),
  };
}
