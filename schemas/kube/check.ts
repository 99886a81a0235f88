import type { KubeObject } from "../kube.ts";
import { type Mistake, toProblem } from "./mistake.ts";
import { mistakesOfAddresses } from "./rules/addresses.ts";
import {
  mistakesOfMeshTls,
  mistakesOfNetworkAuthentication,
} from "./rules/authentication.ts";
import { mistakesOfAuthorizationPolicy } from "./rules/authorization-policy.ts";
import { mistakesOfEgressNetwork } from "./rules/egress-network.ts";
import { mistakesOfGrpcRoute } from "./rules/grpc-route.ts";
import { mistakesOfHttpRoute } from "./rules/http-route.ts";
import { mistakesOfRateLimit } from "./rules/rate-limit.ts";
import { mistakesOfServerAuthorization } from "./rules/server-authorization.ts";
import { mistakesOfServer } from "./rules/server.ts";
import { mistakesOfServiceProfile } from "./rules/service-profile.ts";
import { mistakesOfStreamRoute } from "./rules/stream-route.ts";

/** What an object's schema cannot say: fields that depend on one another. Empty when the object is good. */
export function mistakesOf(object: KubeObject): readonly Mistake[] {
  switch (object.kind) {
    case "Server":
      return mistakesOfServer(object);
    case "ServerAuthorization":
      return mistakesOfServerAuthorization(object);
    case "AuthorizationPolicy":
      return mistakesOfAuthorizationPolicy(object);
    case "MeshTLSAuthentication":
      return mistakesOfMeshTls(object);
    case "NetworkAuthentication":
      return mistakesOfNetworkAuthentication(object);
    case "HTTPLocalRateLimitPolicy":
      return mistakesOfRateLimit(object);
    case "HTTPRoute":
      return mistakesOfHttpRoute(object);
    case "GRPCRoute":
      return mistakesOfGrpcRoute(object);
    case "ServiceProfile":
      return mistakesOfServiceProfile(object);
    case "TLSRoute":
    case "TCPRoute":
      return mistakesOfStreamRoute(object);
    case "EgressNetwork":
      return mistakesOfEgressNetwork(object);
    case "Namespace":
    case "ReferenceGrant":
      return [];
    case "Pod":
    case "EndpointSlice":
    case "Service":
    case "ServiceImport":
    case "ExternalWorkload":
      return mistakesOfAddresses(object);
  }
}

/** Throws the first mistake of an object. */
export function checkObject(object: KubeObject, what: string): void {
  const [first] = mistakesOf(object);
  if (first !== undefined) throw toProblem(first, what);
}
