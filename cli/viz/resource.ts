import { Problem } from "../../schemas/problem.ts";

/** A kind of things, or one of them. */
export interface Resource {
  /** As Kubernetes calls it, in lower case. */
  readonly kind: string;
  readonly name: string | undefined;
}

/** What people type for a kind, as Linkerd understands it; plurals aside. */
const KINDS: readonly (readonly [kind: string, ...short: string[]])[] = [
  ["authorizationpolicy", "ap", "authzpolicy"],
  ["cronjob", "cj"],
  ["daemonset", "ds"],
  ["deployment", "deploy"],
  ["httproute"],
  ["job"],
  ["link", "ln"],
  ["meshtlsauthentication", "meshtlsauthn"],
  ["namespace", "ns"],
  ["networkauthentication", "netauthn", "networkauthn"],
  ["pod", "po"],
  ["replicaset", "rs"],
  ["replicationcontroller", "rc"],
  ["server", "srv"],
  ["serverauthorization", "saz", "serverauthz", "srvauthz"],
  ["service", "svc"],
  ["serviceprofile", "sp"],
  ["statefulset", "sts"],
];

/** Of which there are no golden metrics, or not of their own. */
const NOT_IN_ALL = [
  "link",
  "meshtlsauthentication",
  "namespace",
  "networkauthentication",
  "serviceprofile",
];

/** Kinds that say what may come in. */
export const POLICY_KINDS: ReadonlySet<string> = new Set([
  "authorizationpolicy",
  "httproute",
  "server",
  "serverauthorization",
]);

/** Every kind, for `all`, in the order of their tables. */
export const ALL_KINDS: readonly string[] = KINDS.map(([kind]) => kind)
  .filter((kind) => !NOT_IN_ALL.includes(kind));

/** Reads `TYPE`, `TYPE/NAME`, `TYPE NAME…` or `TYPE/NAME TYPE/NAME…`; throws `config.invalid`. */
export function parseResources(words: readonly string[]): readonly Resource[] {
  const [first = "", ...more] = words;
  if (first.includes("/")) return unique(words.map(parseResource));
  const kind = findKind(first);
  if (kind === "all" && words.length > 1) throw alone();
  return more.length === 0
    ? [{ kind, name: undefined }]
    : unique(more.map((name) => ({ kind, name: checkName(name, words) })));
}

/** Reads `TYPE` or `TYPE/NAME`; throws `config.invalid`. */
export function parseResource(word: string): Resource {
  const [type = "", name, ...more] = word.split("/");
  if (more.length > 0 || name === "") throw invalid(word);
  return { kind: findKind(type), name };
}

/** What a kind is called before a name in a table of several. */
export function shortOf(kind: string): string {
  return KINDS.find(([known]) => known === kind)?.[1] ?? kind;
}

/** As the API spells it in its paths. */
export function pluralOf(kind: string): string {
  return `${kind.replace(/y$/, "ie")}s`;
}

function findKind(word: string): string {
  if (word === "all") return word;
  const found = KINDS.find(([kind, ...short]) =>
    [kind, pluralOf(kind), ...short].includes(word.toLowerCase())
  );
  if (found !== undefined) return found[0];
  throw new Problem(
    "config.invalid",
    `cannot find Kubernetes canonical name from friendly name [${word}]`,
    { hint: `expected one of ${ALL_KINDS.join(", ")}, namespace, all` },
  );
}

function checkName(name: string, words: readonly string[]): string {
  if (name.includes("/")) throw invalid(words.join(" "));
  return name;
}

function unique(resources: readonly Resource[]): readonly Resource[] {
  if (resources.length > 1 && resources.some(({ kind }) => kind === "all")) {
    throw alone();
  }
  const texts = resources.map(({ kind, name }) => `${kind}/${name}`);
  if (new Set(texts).size === texts.length) return resources;
  throw new Problem("config.invalid", "cannot supply duplicate resources");
}

function alone(): Problem {
  return new Problem(
    "config.invalid",
    "'all' can't be supplied alongside other resources",
  );
}

function invalid(text: string): Problem {
  return new Problem("config.invalid", `Invalid resource string: ${text}`, {
    hint: "expected TYPE or TYPE/NAME, such as deploy/web",
  });
}
