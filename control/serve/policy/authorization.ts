import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Network } from "../../../schemas/address.ts";
import type {
  Authentication,
  Authorization,
  ServerMeta,
} from "../../../schemas/policy.ts";
import {
  type AuthnSchema,
  type Authz,
  AuthzSchema,
} from "../../../schemas/proto/gen/inbound_pb.ts";
import type { IPNetworkSchema } from "../../../schemas/proto/gen/net_pb.ts";
import { toIpAddress } from "../destination/address.ts";
import { toMetadata } from "./meta.ts";

/** Messages of authorizations that are still the same, as most are when one of many was edited. */
const known = new WeakMap<Authorization, Authz>();

/** Clients that are let in, as proxies read it. */
export function toAuthz(authorization: Authorization): Authz {
  const last = known.get(authorization);
  if (last !== undefined) return last;
  const { authentication, meta, networks } = authorization;
  const message = create(AuthzSchema, {
    networks: networks.map(({ network, except }) => ({
      net: toNetwork(network),
      except: except.map(toNetwork),
    })),
    authentication: toAuthn(authentication),
    labels: { ...meta },
    metadata: toMetadata(metaOf(meta)),
  });
  known.set(authorization, message);
  return message;
}

function metaOf({ group, kind, name }: ServerMeta) {
  return kind === "default" ? { kind, name } as const : {
    kind: "resource",
    resource: { group, kind, name, namespace: "", section: "", port: 0 },
  } as const;
}

function toNetwork(
  { base, prefixBits }: Network,
): MessageInitShape<typeof IPNetworkSchema> {
  return { ip: toIpAddress(base), prefixLen: prefixBits };
}

function toAuthn(
  authentication: Authentication,
): MessageInitShape<typeof AuthnSchema> {
  switch (authentication.kind) {
    case "unauthenticated":
      return { permit: { case: "unauthenticated", value: {} } };
    case "tls":
      return {
        permit: {
          case: "meshTLS",
          value: { clients: { case: "unauthenticated", value: {} } },
        },
      };
    case "identities": {
      const identities = [...authentication.identities]
        .map((name) => ({ name }));
      // The parts of a suffix are its labels; the empty suffix has none and means any identity.
      const suffixes = authentication.suffixes
        .map((suffix) => ({ parts: suffix.split(".").filter(Boolean) }));
      return {
        permit: {
          case: "meshTLS",
          value: {
            clients: { case: "identities", value: { identities, suffixes } },
          },
        },
      };
    }
  }
}
