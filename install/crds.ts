import type { Values } from "../schemas/values.ts";
import {
  AUTHORIZATION_POLICY,
  MESH_TLS_AUTHENTICATION,
  NETWORK_AUTHENTICATION,
  SERVER_AUTHORIZATION,
} from "../schemas/crd/authorization.ts";
import type { CrdDefinition, CrdVersion } from "../schemas/crd/definition.ts";
import { EXTERNAL_WORKLOAD } from "../schemas/crd/external-workload.ts";
import {
  GATEWAY_API_VERSION,
  GATEWAY_ROUTES,
  REFERENCE_GRANT,
  STREAM_ROUTES,
} from "../schemas/crd/gateway.ts";
import { HTTP_ROUTE } from "../schemas/crd/http-route.ts";
import { SERVER } from "../schemas/crd/server.ts";
import { SERVICE_PROFILE } from "../schemas/crd/service-profile.ts";
import {
  EGRESS_NETWORK,
  HTTP_LOCAL_RATE_LIMIT_POLICY,
} from "../schemas/crd/traffic.ts";
import { type Structural, toStructural } from "./crds/structural.ts";
import { type Manifest, type Metadata, present } from "./manifest.ts";
import { ANNOTATIONS, LABELS } from "../schemas/names.ts";

/** Kubernetes asks who approved a group of its own; this is Gateway API's answer in that release. */
const GATEWAY_APPROVAL =
  "https://github.com/kubernetes-sigs/gateway-api/pull/3328";

const BEFORE_GATEWAY: readonly CrdDefinition[] = [
  AUTHORIZATION_POLICY,
  EGRESS_NETWORK,
  HTTP_LOCAL_RATE_LIMIT_POLICY,
  HTTP_ROUTE,
  MESH_TLS_AUTHENTICATION,
  NETWORK_AUTHENTICATION,
  SERVER_AUTHORIZATION,
  SERVER,
  SERVICE_PROFILE,
];

/** Linkerd's own kinds, in the order they are printed. */
export const LINKERD_CRDS: readonly CrdDefinition[] = [
  ...BEFORE_GATEWAY,
  EXTERNAL_WORKLOAD,
];

/** Every CustomResourceDefinition of an install, in order; those of the Gateway API when values ask for them. */
export function crds(values: Values, namespace: string): Manifest[] {
  const metadata = (definition: CrdDefinition): Metadata => ({
    name: `${definition.plural}.${definition.group}`,
    annotations: { [ANNOTATIONS.createdBy]: values.cliVersion },
    labels: { [LABELS.controlPlaneNamespace]: namespace },
  });
  const ours = (definition: CrdDefinition) =>
    crd(definition, metadata(definition));
  const gateway = (channel: string) => (definition: CrdDefinition) => {
    const { annotations, ...rest } = metadata(definition);
    return crd(definition, {
      ...rest,
      annotations: {
        ...annotations,
        "api-approved.kubernetes.io": GATEWAY_APPROVAL,
        "gateway.networking.k8s.io/bundle-version": GATEWAY_API_VERSION,
        "gateway.networking.k8s.io/channel": channel,
        "helm.sh/resource-policy": "keep",
      },
    });
  };
  const withGateway = values.enableHttpRoutes ?? values.installGatewayAPI;
  return [
    ...BEFORE_GATEWAY.map(ours),
    ...(withGateway !== true ? [] : [
      ...[...GATEWAY_ROUTES, REFERENCE_GRANT].map(gateway("standard")),
      ...STREAM_ROUTES.map(gateway("experimental")),
    ]),
    ours(EXTERNAL_WORKLOAD),
  ];
}

function crd(definition: CrdDefinition, metadata: Metadata): Manifest {
  const { group, kind, plural, shortNames, categories, versions } = definition;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata,
    spec: {
      group,
      names: present({
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames,
        categories,
      }),
      scope: "Namespaced",
      versions: versions.map((version, at) =>
        served(version, at === versions.length - 1)
      ),
    },
  };
}

function served(version: CrdVersion, storage: boolean): unknown {
  const { name, spec, status, columns, deprecation } = version;
  return present({
    name,
    served: true,
    storage,
    deprecated: deprecation === undefined ? undefined : true,
    deprecationWarning: deprecation,
    additionalPrinterColumns: columns,
    subresources: version.hasStatusSubresource ? { status: {} } : undefined,
    schema: {
      openAPIV3Schema: {
        type: "object",
        required: ["spec"],
        properties: {
          apiVersion: { type: "string" },
          kind: { type: "string" },
          metadata: { type: "object" },
          spec: toStructural(spec as Structural),
          ...(status === undefined
            ? {}
            : { status: toStructural(status as Structural) }),
        },
      },
    },
  });
}
