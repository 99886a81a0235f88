import { describe } from "../../schemas/problem.ts";
import { ApiRefusal, callApi } from "./api.ts";
import { createBackOff } from "./back-off.ts";
import type { ApiServer } from "./in-cluster.ts";
import { readLines } from "./lines.ts";
import { pathOf, type Resource, versionsOf } from "./resources.ts";

/** Objects in one answer: a meshed Pod is 10 KB of text and five times that once parsed, before it is cut to what is kept. */
const PAGE = 200;

/** A list that takes longer is given up. */
const LIST_TIMEOUT_MS = 60_000;

/**
 * How long the server lets a watch live, a random time between these: a connection that died without a word is found
 * out no later than this, and taking a watch up again costs nothing.
 */
const WATCH_MIN_S = 120;
const WATCH_MAX_S = 240;

/** A server that does not end a watch when it said it would is gone. */
const WATCH_GRACE_MS = 10_000;

/** While the API server does not know the kind (its CRD is missing), it is asked again this often. */
const UNKNOWN_KIND_MS = 10_000;

/**
 * Objects of a kind that the server no longer knows are kept through as many answers: a server that is starting may
 * not know its CRDs yet, and to forget a Server would open its port.
 */
const UNKNOWN_KIND_TIMES = 6;

/** A change of one object. */
export interface Change<Item> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly item: Item;
}

export interface Reflection<Item> {
  readonly server: ApiServer;
  readonly resource: Resource;
  /** What is kept of an object, at once: whole ones of a large list would not fit into memory together. Never throws. */
  readonly read: (object: unknown) => Item;
  /** All there is, the first time and whenever changes were missed. */
  readonly onList: (items: readonly Item[]) => void;
  /** Changes that came together. */
  readonly onChanges: (changes: readonly Change<Item>[]) => void;
  /** Something went wrong; it is tried again. `undefined`: all is well again. */
  readonly onTrouble: (what: string | undefined) => void;
  readonly signal: AbortSignal;
}

/** Says which version of the resource all that was given so far amounts to. */
interface Version {
  value: string;
}

/** The version is no longer there (HTTP 410), or the watch broke: list again. */
class Stale extends Error {}

/**
 * Follows one resource of the API server until the signal: lists it, watches from there, takes a watch up again where
 * it ended, and lists again when the server no longer knows that point (410 Gone). Never throws; what fails is told and
 * tried again with back-off. A kind that the server knows in none of its versions has no objects until it does.
 */
export async function reflect<Item>(
  given: Reflection<Item>,
): Promise<void> {
  const { signal, onTrouble } = given;
  const versions = versionsOf(given.resource);
  let tried = 0;
  const backOff = createBackOff(Math.random);
  let version: Version | undefined;
  let unknownTimes = UNKNOWN_KIND_TIMES - 1;
  while (!signal.aborted) {
    const resource = versions[tried] ?? given.resource;
    const reflection = { ...given, resource };
    try {
      version ??= await list(reflection);
      unknownTimes = 0;
      await watch(reflection, version);
      backOff.reset();
    } catch (error) {
      if (signal.aborted) return;
      if (isUnknownKind(error)) {
        version = undefined;
        tried = (tried + 1) % versions.length;
        if (tried > 0) continue;
        if (++unknownTimes >= UNKNOWN_KIND_TIMES) reflection.onList([]);
        await sleep(UNKNOWN_KIND_MS, signal);
        continue;
      }
      if (isGone(error)) version = undefined;
      else onTrouble(describe(error));
      const askedMs = error instanceof ApiRefusal ? error.retryAfterMs : 0;
      await sleep(Math.max(backOff.next(), askedMs), signal);
    }
  }
}

async function list<Item>(
  { server, resource, read, onList, signal }: Reflection<Item>,
): Promise<Version> {
  const items: Item[] = [];
  let more = "";
  while (true) {
    const query = new URLSearchParams({ limit: `${PAGE}` });
    if (more !== "") query.set("continue", more);
    const response = await callApi(server, {
      path: `${pathOf(resource)}?${query}`,
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]),
    });
    const page = await response.json() as Page;
    for (const object of page.items ?? []) {
      items.push(read(named(object, resource)));
    }
    more = page.metadata?.continue ?? "";
    if (more !== "") continue;
    onList(items);
    return { value: page.metadata?.resourceVersion ?? "" };
  }
}

/** The part of a list that leads to its items and what follows them. */
interface Page {
  readonly items?: readonly object[];
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly continue?: string;
  };
}

/** Items of a list leave out what they are. */
function named(item: object, { apiVersion, kind }: Resource): object {
  return { ...item, apiVersion, kind };
}

/** Watches until the server ends it; moves the version on with all that has been given. */
async function watch<Item>(
  { server, resource, read, onChanges, onTrouble, signal }: Reflection<Item>,
  version: Version,
): Promise<void> {
  const seconds = Math.round(
    WATCH_MIN_S + Math.random() * (WATCH_MAX_S - WATCH_MIN_S),
  );
  const query = new URLSearchParams({
    watch: "true",
    allowWatchBookmarks: "true",
    resourceVersion: version.value,
    timeoutSeconds: `${seconds}`,
  });
  const response = await callApi(server, {
    path: `${pathOf(resource)}?${query}`,
    signal: AbortSignal.any([
      signal,
      AbortSignal.timeout(seconds * 1_000 + WATCH_GRACE_MS),
    ]),
  });
  onTrouble(undefined);
  if (response.body === null) return;
  for await (const lines of readLines(response.body)) {
    const changes: Change<Item>[] = [];
    let latest = version.value;
    for (const line of lines) {
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === "ERROR") throw new Stale(object.message ?? "watch failed");
      latest = object.metadata?.resourceVersion ?? latest;
      if (type !== "BOOKMARK") changes.push({ type, item: read(object) });
    }
    if (changes.length > 0) onChanges(changes);
    version.value = latest;
  }
}

interface WatchEvent {
  readonly type: Change<unknown>["type"] | "BOOKMARK" | "ERROR";
  readonly object: {
    readonly metadata?: { readonly resourceVersion?: string };
    /** Of the Status that an ERROR brings. */
    readonly message?: string;
  };
}

function isGone(error: unknown): boolean {
  return error instanceof Stale ||
    (error instanceof ApiRefusal && error.status === 410);
}

function isUnknownKind(error: unknown): boolean {
  return error instanceof ApiRefusal && error.status === 404;
}

/** Waits, or until the signal. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
