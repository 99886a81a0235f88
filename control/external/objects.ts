/** What is read of the objects of which EndpointSlices are made, as the API server serves them. */

export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly resourceVersion?: string;
}

export type Protocol = "TCP" | "UDP" | "SCTP";

export interface ServiceObject {
  readonly metadata: Metadata;
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ipFamilies?: readonly AddressType[];
    readonly ports?: readonly ServicePort[];
  };
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: Protocol;
  readonly appProtocol?: string;
}

export interface ExternalObject {
  readonly metadata: Metadata;
  readonly spec: {
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly protocol?: Protocol;
    }[];
    readonly workloadIPs?: readonly { readonly ip: string }[];
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
    }[];
  };
}

export type AddressType = "IPv4" | "IPv6";

/** An EndpointSlice of ours; those that are wanted have no name yet. */
export interface SliceObject {
  readonly metadata: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly ownerReferences?: readonly object[];
  };
  readonly addressType: AddressType;
  readonly endpoints?: readonly SliceEndpoint[];
  readonly ports?: readonly SlicePort[];
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions: {
    readonly ready: boolean;
    readonly serving: boolean;
    readonly terminating: boolean;
  };
  readonly hostname?: string;
  readonly zone?: string;
  readonly targetRef: {
    readonly kind: "ExternalWorkload";
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
}

export interface SlicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly appProtocol?: string;
}
