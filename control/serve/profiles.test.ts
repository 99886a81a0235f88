import { afterEach, expect, test } from "bun:test";
import { toJson } from "@bufbuild/protobuf";
import {
  Destination,
  type DestinationProfile,
  DestinationProfileSchema,
} from "../../schemas/proto/gen/destination_pb.ts";
import { type FolderMesh, startFolderMesh } from "../testing/folder.ts";
import { serviceManifest } from "../testing/objects.ts";
import { readStream } from "../testing/stream.ts";

let mesh: FolderMesh;
let hangUp: AbortController;
afterEach(async () => {
  hangUp.abort();
  await mesh.close();
});

async function start(files: Parameters<typeof startFolderMesh>[0]) {
  hangUp = new AbortController();
  mesh = await startFolderMesh(files);
}

function watch(clientNamespace: string, path = "10.43.0.1:80") {
  return readStream(
    mesh.client(Destination).getProfile(
      { path, contextToken: JSON.stringify({ ns: clientNamespace }) },
      { signal: hangUp.signal },
    ),
  );
}

const read = (profile: DestinationProfile) =>
  toJson(DestinationProfileSchema, profile) as Record<string, unknown>;

const WEB = serviceManifest("web", "10.43.0.1");

const profileManifest = (spec: object, namespace = "shop") => ({
  apiVersion: "linkerd.io/v1alpha2",
  kind: "ServiceProfile",
  metadata: { name: "web.shop.svc.cluster.local", namespace },
  spec,
});

const routeNamed = (name: string) => ({
  routes: [{ name, condition: { pathRegex: "/" } }],
});

const routes = (profile: DestinationProfile) =>
  profile.routes.map(({ metricsLabels }) => metricsLabels["route"]);

test("a profile says all that a ServiceProfile does", async () => {
  await start({
    "web.yaml": [
      WEB,
      profileManifest({
        routes: [{
          name: "GET /books/{id}",
          condition: {
            method: "get",
            pathRegex: "/books/\\d+",
            not: { any: [{ method: "PURGE" }] },
          },
          isRetryable: true,
          timeout: "1m0.5s",
          responseClasses: [{
            condition: { status: { min: 500 } },
            isFailure: true,
          }, {
            condition: { all: [{ not: { status: { max: 299 } } }] },
          }],
        }, { name: "rest", condition: { method: "GET" }, timeout: "-1s" }],
        retryBudget: { retryRatio: 0.5, minRetriesPerSecond: 7, ttl: "30s" },
        dstOverrides: [
          { authority: "web-2.shop.svc.cluster.local:8080", weight: "500m" },
          { authority: "web.shop.svc.cluster.local", weight: 2 },
          { authority: "example.org", weight: 0 },
        ],
      }),
    ],
  });
  const backend = (name: string, port: number) => ({
    resource: { group: "core", kind: "Service", name, namespace: "shop", port },
  });
  expect(read(await watch("shop").next())).toEqual({
    fullyQualifiedName: "web.shop.svc.cluster.local",
    parentRef: backend("web", 80),
    profileRef: {
      resource: {
        group: "linkerd.io",
        kind: "ServiceProfile",
        name: "web.shop.svc.cluster.local",
        namespace: "shop",
      },
    },
    routes: [{
      condition: {
        all: {
          matches: [
            { method: { registered: "GET" } },
            { path: { regex: "/books/\\d+" } },
            {
              not: {
                any: { matches: [{ method: { unregistered: "PURGE" } }] },
              },
            },
          ],
        },
      },
      metricsLabels: { route: "GET /books/{id}" },
      isRetryable: true,
      timeout: "60.500s",
      responseClasses: [
        { condition: { status: { min: 500, max: 599 } }, isFailure: true },
        {
          condition: {
            all: { matches: [{ not: { status: { min: 100, max: 299 } } }] },
          },
        },
      ],
    }, {
      condition: { method: { registered: "GET" } },
      metricsLabels: { route: "rest" },
    }],
    retryBudget: { retryRatio: 0.5, minRetriesPerSecond: 7, ttl: "30s" },
    dstOverrides: [
      {
        authority: "web-2.shop.svc.cluster.local:8080",
        weight: 5_000,
        backendRef: backend("web-2", 8080),
      },
      {
        authority: "web.shop.svc.cluster.local:80",
        weight: 20_000,
        backendRef: backend("web", 80),
      },
      { authority: "example.org:80" },
    ],
  });
});

test("the client's own ServiceProfile goes before the Service's, and edits are followed", async () => {
  await start({
    "web.yaml": [WEB],
    "sp.yaml": [profileManifest(routeNamed("theirs"))],
  });
  const theirs = watch("shop");
  const ours = watch("eater", "web.shop.svc.cluster.local:80");
  expect(routes(await theirs.next())).toEqual(["theirs"]);
  expect(routes(await ours.next())).toEqual(["theirs"]);

  await mesh.save(
    "own.yaml",
    profileManifest(routeNamed("ours"), "eater"),
  );
  expect(routes(await ours.next())).toEqual(["ours"]);
  await mesh.save("sp.yaml", profileManifest(routeNamed("theirs, edited")));
  expect(routes(await theirs.next())).toEqual(["theirs, edited"]);

  await mesh.remove("own.yaml");
  expect(routes(await ours.next())).toEqual(["theirs, edited"]);
  await mesh.remove("sp.yaml");
  const plain = await ours.next();
  expect(plain.profileRef).toBeUndefined();
  expect(plain.retryBudget).toMatchObject({ minRetriesPerSecond: 10 });
});

test("a ServiceProfile with a mistake leaves the last one in force", async () => {
  await start({
    "web.yaml": [WEB],
    "sp.yaml": [profileManifest(routeNamed("good"))],
  });
  const profiles = watch("shop");
  expect(routes(await profiles.next())).toEqual(["good"]);
  await mesh.save(
    "sp.yaml",
    profileManifest({ routes: [{ name: "bad", condition: {} }] }),
  );
  await mesh.logs.until("spec.routes[0].condition");
  await mesh.save("sp.yaml", profileManifest(routeNamed("better")));
  expect(routes(await profiles.next())).toEqual(["better"]);
});
