import type { BalancerEvents } from "../balance.ts";
import { createUpstream } from "../endpoint.ts";
import type { EndpointContext } from "../endpoint/context.ts";
import {
  createUpstreams,
  type LiveBackend,
  type Upstreams,
} from "./backend.ts";
import type { OutboundOptions } from "./options.ts";
import { createTargets, type Targets } from "./targets.ts";
import { createTcpUpstream, type TcpUpstream } from "./tcp-upstream.ts";

/** The targets of the outbound side, whose backends are balanced over endpoints as it is configured. */
export function openTargets(options: OutboundOptions): Targets {
  const { control, endpoints, recorder } = options;
  const withoutOverride: EndpointContext = {
    ...endpoints,
    unidentified: "ingress-without-override",
  };
  return createTargets({
    discover: options.discover,
    idleMs: options.idleMs,
    record: (address) => recorder.target(address, options.ingress),
    families: endpoints.families.outbound,
    hostnames: options.hostnameLabels,
    random: Math.random,
    openHttp: (backend, accrual, parent, dialled) =>
      createUpstreams(backend, {
        control,
        queue: options.httpQueue,
        accrual,
        events: recorder.httpBalancer(parent, backend, options.httpQueue),
        random: Math.random,
        create: (endpoint, authority, load, changed, breaker) =>
          createUpstream(
            endpoint,
            authority,
            load,
            options.ingress && dialled ? withoutOverride : endpoints,
            changed,
            breaker,
          ),
      }),
    openTcp: (backend) =>
      openBytes(backend, recorder.tcpBalancer(backend, options.tcpQueue)),
    openTls: (backend) =>
      openBytes(backend, recorder.tlsBalancer(backend, options.tcpQueue)),
  });

  function openBytes(
    backend: LiveBackend,
    events: BalancerEvents,
  ): Upstreams<TcpUpstream> {
    return createUpstreams(backend, {
      control,
      queue: options.tcpQueue,
      accrual: null,
      events,
      random: Math.random,
      create: (endpoint, authority, load) =>
        createTcpUpstream(endpoint, authority, load, endpoints),
    });
  }
}
