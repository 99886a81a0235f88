import { Hono } from "hono";
import { GROUP_VERSION, TAP_GROUP, VIZ_GROUP } from "../../../schemas/tap.ts";
import { VERSION } from "../../../schemas/version.ts";

interface Resource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** Kinds whose requests can be watched, as Linkerd's. */
const TAPPED = [
  ...["cronjobs", "daemonsets", "deployments", "jobs", "namespaces", "pods"],
  ...["replicasets", "replicationcontrollers", "statefulsets"],
];

/** What there is, without verbs that would have `kubectl get all` or the end of a namespace ask for it. */
const RESOURCES: Readonly<Record<string, readonly Resource[]>> = {
  [TAP_GROUP]: TAPPED.map((kinds) => ({
    name: `${kinds}/tap`,
    singularName: "",
    namespaced: true,
    kind: "Tap",
    verbs: ["watch"],
  })),
  [VIZ_GROUP]: [
    {
      name: "metrics",
      singularName: "",
      namespaced: true,
      kind: "Metrics",
      verbs: ["get"],
    },
    {
      name: "dashboard",
      singularName: "",
      namespaced: false,
      kind: "Dashboard",
      verbs: ["get", "watch"],
    },
  ],
};

/** What API servers and their clients ask to learn what there is; without it everything takes the APIs for broken. */
export function createDiscovery(): Hono {
  const app = new Hono({ strict: false });
  const groups = Object.keys(RESOURCES).map((name) => {
    const version = {
      groupVersion: `${name}/${GROUP_VERSION}`,
      version: GROUP_VERSION,
    };
    return { name, versions: [version], preferredVersion: version };
  });
  app.get(
    "/apis",
    (context) =>
      context.json({ kind: "APIGroupList", apiVersion: "v1", groups }),
  );
  for (const group of groups) {
    app.get(
      `/apis/${group.name}`,
      (context) =>
        context.json({ kind: "APIGroup", apiVersion: "v1", ...group }),
    );
    app.get(`/apis/${group.name}/${GROUP_VERSION}`, (context) =>
      context.json({
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion: `${group.name}/${GROUP_VERSION}`,
        resources: RESOURCES[group.name],
      }));
  }
  for (const path of ["/healthz", "/livez", "/readyz"]) {
    app.get(path, (context) => context.text("ok"));
  }
  app.get("/version", (context) => context.json({ gitVersion: VERSION }));
  // Nothing here is an object that somebody could write down.
  app.get("/openapi/v2", (context) =>
    context.json({
      swagger: "2.0",
      info: { title: "Golden metrics and live requests", version: VERSION },
      paths: {},
    }));
  app.get("/openapi/v3", (context) => context.json({ paths: {} }));
  return app;
}
