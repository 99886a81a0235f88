import type { ServerAuthorization } from "../../kube.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { mistakesOfIdentities } from "./identity.ts";
import { mistakesOfNetworks } from "./networks.ts";
import { mistakesOfSelector } from "./server.ts";

/** A ServerAuthorization names Servers in one way, and its clients in one. */
export function mistakesOfServerAuthorization(
  { spec: { server, client } }: ServerAuthorization,
): Mistake[] {
  const { meshTLS, networks = [], unauthenticated = false } = client;
  const { identities = [], serviceAccounts = [] } = meshTLS ?? {};
  const at = ["spec", "client"];
  const mistakes: Mistake[] = [];
  if ((server.name === undefined) === (server.selector === undefined)) {
    mistakes.push(mistake(
      ["spec", "server"],
      server.name === undefined ? undefined : server,
      "either name or selector",
      "name one Server, or select Servers by their labels",
    ));
  }
  if (unauthenticated && meshTLS !== undefined) {
    mistakes.push(mistake(
      [...at, "meshTLS"],
      meshTLS,
      "nothing beside unauthenticated: true",
      "remove one of the two; unauthenticated lets every client in",
    ));
  }
  const named = identities.length + serviceAccounts.length;
  if (meshTLS?.unauthenticatedTLS === true && named > 0) {
    mistakes.push(mistake(
      [...at, "meshTLS", "unauthenticatedTLS"],
      meshTLS.unauthenticatedTLS,
      "nothing beside identities and serviceAccounts",
      "remove it; it lets every client in that speaks mutual TLS",
    ));
  }
  return [
    ...mistakes,
    ...mistakesOfSelector(server.selector, ["spec", "server", "selector"]),
    ...mistakesOfIdentities(identities, [...at, "meshTLS", "identities"]),
    ...mistakesOfNetworks(networks, [...at, "networks"]),
  ];
}
