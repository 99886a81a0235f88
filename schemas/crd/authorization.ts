import Type from "typebox";
import { SelectorSchema } from "../kube/server.ts";
import type { CrdDefinition } from "./definition.ts";
import {
  IDENTITY,
  Label,
  LocalRef,
  Networks,
  ObjectRef,
  oneOfFields,
} from "./parts.ts";

const GROUP = "policy.linkerd.io";

const ServerAuthorizationSpec = Type.Object({
  server: oneOfFields(["name", "selector"], {
    name: Type.Optional(Label),
    selector: Type.Optional(SelectorSchema),
  }),
  client: Type.Object({
    networks: Type.Optional(Networks),
    unauthenticated: Type.Optional(Type.Boolean({
      description: "Lets clients in that show no identity.",
    })),
    meshTLS: Type.Optional(Type.Object({
      unauthenticatedTLS: Type.Optional(Type.Boolean({
        description: "Lets TLS in that shows no client identity.",
      })),
      identities: Type.Optional(Type.Array(
        Type.String({ pattern: IDENTITY }),
      )),
      serviceAccounts: Type.Optional(Type.Array(Type.Object({
        name: Label,
        namespace: Type.Optional(Label),
      }))),
    })),
  }),
});

/** Clients that may call the Servers it names: the older form, whole in one object. */
export const SERVER_AUTHORIZATION: CrdDefinition = {
  group: GROUP,
  kind: "ServerAuthorization",
  plural: "serverauthorizations",
  shortNames: ["saz", "serverauthz", "srvauthz"],
  versions: [
    {
      name: "v1alpha1",
      deprecation:
        "policy.linkerd.io/v1alpha1 ServerAuthorization is deprecated",
      spec: ServerAuthorizationSpec,
    },
    {
      name: "v1beta1",
      spec: ServerAuthorizationSpec,
      columns: [
        { name: "Server", type: "string", jsonPath: ".spec.server.name" },
      ],
    },
  ],
};

/** What a client must show to reach a target. */
export const AUTHORIZATION_POLICY: CrdDefinition = {
  group: GROUP,
  kind: "AuthorizationPolicy",
  plural: "authorizationpolicies",
  shortNames: ["authzpolicy"],
  versions: [{
    name: "v1alpha1",
    spec: Type.Object({
      targetRef: LocalRef,
      requiredAuthenticationRefs: Type.Array(ObjectRef, {
        description: "All of these must hold.",
      }),
    }),
  }],
};

/** Clients by the identity that mutual TLS proved. */
export const MESH_TLS_AUTHENTICATION: CrdDefinition = {
  group: GROUP,
  kind: "MeshTLSAuthentication",
  plural: "meshtlsauthentications",
  shortNames: ["meshtlsauthn"],
  versions: [{
    name: "v1alpha1",
    spec: oneOfFields(["identities", "identityRefs"], {
      identities: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
      identityRefs: Type.Optional(Type.Array(ObjectRef, { minItems: 1 })),
    }),
  }],
};

/** Clients by the network they call from. */
export const NETWORK_AUTHENTICATION: CrdDefinition = {
  group: GROUP,
  kind: "NetworkAuthentication",
  plural: "networkauthentications",
  shortNames: ["netauthn", "networkauthn"],
  versions: [{ name: "v1alpha1", spec: Type.Object({ networks: Networks }) }],
};
