import { matches } from "../../schemas/kube/selector.ts";
import type {
  AuthorizationPolicy,
  Policies,
  Ref,
  Route,
  Server,
  Subject,
} from "./objects.ts";

/** One way to reach a workload: through a Server, all of it or a route, allowed by one object. */
export interface Row {
  /** `*` is all of the Server. */
  readonly route: string;
  readonly server: string;
  readonly authorizationPolicy: string;
  readonly serverAuthorization: string;
}

/** What authorizes clients of some Pods. */
export interface Answer {
  readonly rows: readonly Row[];
  /** Servers about these Pods that nothing authorizes: their access policy alone decides. */
  readonly unauthorized: readonly Server[];
  /** Whether any Server is about these Pods. */
  readonly hasServer: boolean;
}

const POLICY_GROUP = "policy.linkerd.io";
const ALL = "*";

/** Finds what authorizes clients of these Pods, Server by Server in the order they are given. */
export function findAuthorizations(
  subjects: readonly Subject[],
  policies: Policies,
): Answer {
  const servers = policies.servers.filter((server) =>
    subjects.some((subject) => isAbout(server, subject))
  );
  const found = servers.map((server) => ({
    server,
    rows: rowsOf(server, policies),
  }));
  return {
    rows: found.flatMap(({ rows }) => rows),
    unauthorized: found.filter(({ rows }) => rows.length === 0)
      .map(({ server }) => server),
    hasServer: servers.length > 0,
  };
}

/** A port by number need not be declared by a container; one by name must be, else nobody knows its number. */
function isAbout({ metadata, spec }: Server, subject: Subject): boolean {
  const { podSelector, port } = spec;
  return podSelector !== undefined &&
    namespaceOf({ metadata }) === subject.namespace &&
    matches(podSelector, subject.labels) &&
    port !== undefined &&
    (isNumber(port) || subject.ports.some(({ name }) => name === port));
}

function isNumber(port: number | string): boolean {
  return typeof port === "number" || /^\d+$/.test(port);
}

function rowsOf(server: Server, policies: Policies): Row[] {
  const { name } = server.metadata;
  const namespace = namespaceOf(server);
  const inside = (object: { metadata: { namespace?: string } }) =>
    namespaceOf(object) === namespace;
  const older = policies.serverAuthorizations.filter(({ metadata, spec }) =>
    inside({ metadata }) &&
    (spec.server?.name === name ||
      (spec.server?.selector !== undefined &&
        matches(spec.server.selector, server.metadata.labels ?? {})))
  );
  return [
    ...older.map(({ metadata }) => ({
      route: ALL,
      server: name,
      authorizationPolicy: "",
      serverAuthorization: metadata.name,
    })),
    ...policies.authorizationPolicies.filter(inside).flatMap((policy) =>
      routesOf(policy, server, policies).map((route) => ({
        route,
        server: name,
        authorizationPolicy: policy.metadata.name,
        serverAuthorization: "",
      }))
    ),
  ];
}

/** What of a Server a policy is about: all of it, some of its routes, or nothing. */
function routesOf(
  { spec: { targetRef } }: AuthorizationPolicy,
  server: Server,
  { routes }: Policies,
): string[] {
  const { group = "", kind, name } = targetRef ?? {};
  const namespace = namespaceOf(server);
  if (kind === "Namespace" && (group === "" || group === "core")) {
    return name === namespace ? [ALL] : [];
  }
  if (kind === "Server" && group === POLICY_GROUP) {
    return name === server.metadata.name ? [ALL] : [];
  }
  return (routes.get(`${group}/${kind}`) ?? []).filter((route) =>
    route.metadata.name === name && namespaceOf(route) === namespace &&
    isOn(route, server)
  ).map(({ metadata }) => metadata.name);
}

/** Whether a route is one of a Server's. */
function isOn({ metadata, spec }: Route, server: Server): boolean {
  const own = namespaceOf({ metadata });
  const isServer = ({ group, kind, name }: Ref) =>
    group === POLICY_GROUP && kind === "Server" &&
    name === server.metadata.name;
  return (spec.parentRefs ?? []).some((ref) =>
    isServer(ref) && (ref.namespace ?? own) === namespaceOf(server)
  );
}

function namespaceOf(
  { metadata }: { readonly metadata: { readonly namespace?: string } },
): string {
  return metadata.namespace ?? "default";
}
