import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import type { Flag } from "../command.ts";
import {
  integer,
  oneOf,
  switchFlag,
  text,
  type ValueFlag,
  valueFlag,
} from "./flag-readers.ts";

const LOG_LEVELS = [
  "panic",
  "fatal",
  "error",
  "warn",
  "info",
  "debug",
  "trace",
];
const { issuer } = DEFAULT_VALUES.identity;

/** Flags about the control plane, which install and upgrade share. */
export const CONTROL_FLAGS: readonly ValueFlag[] = [
  switchFlag(
    "linkerd-cni-enabled",
    "cniEnabled",
    "Redirect traffic with a CNI plugin that is installed already",
  ),
  valueFlag("controller-log-level", "controllerLogLevel", oneOf(LOG_LEVELS), {
    about: "Log level of the control plane",
    otherwise: DEFAULT_VALUES.controllerLogLevel,
  }),
  valueFlag("controller-replicas", "controllerReplicas", integer, {
    about: "Replicas of each component of the control plane",
    otherwise: String(DEFAULT_VALUES.controllerReplicas),
  }),
  valueFlag("controller-uid", "controllerUID", integer, {
    about: "User the control plane runs as",
    otherwise: String(DEFAULT_VALUES.controllerUID),
  }),
  valueFlag("controller-gid", "controllerGID", integer, {
    about: "Group the control plane runs as; none when negative",
    otherwise: String(DEFAULT_VALUES.controllerGID),
  }),
  {
    ...switchFlag(
      "disable-h2-upgrade",
      "enableH2Upgrade",
      "Not possible yet: HTTP/1 always crosses between proxies as HTTP/2",
      "opposite",
    ),
    hidden: true,
  },
  {
    ...switchFlag(
      "disable-heartbeat",
      "disableHeartBeat",
      "Has no effect: nothing is reported to anyone",
    ),
    hidden: true,
  },
  valueFlag(
    "identity-issuance-lifetime",
    "identity.issuer.issuanceLifetime",
    text,
    {
      about: "How long a workload's certificate is valid",
      otherwise: issuer.issuanceLifetime,
    },
  ),
  valueFlag(
    "identity-clock-skew-allowance",
    "identity.issuer.clockSkewAllowance",
    text,
    {
      about: "How far clocks of the cluster may be apart",
      otherwise: issuer.clockSkewAllowance,
    },
  ),
  {
    ...switchFlag(
      "enable-endpoint-slices",
      "enableEndpointSlices",
      "Read EndpointSlices (always so)",
    ),
    hidden: true,
  },
];

/** Flags that cannot change once there is a control plane. */
export const ONCE_FLAGS: readonly ValueFlag[] = [
  valueFlag("cluster-domain", "clusterDomain", text, {
    about: "DNS domain of the cluster",
    otherwise: DEFAULT_VALUES.clusterDomain,
  }),
  valueFlag("identity-trust-domain", "identityTrustDomain", text, {
    about: "Realm of workload identities",
    otherwise: "the cluster domain",
  }),
  {
    name: "identity-external-issuer",
    kind: "switch",
    about: "The issuer is kept by others, in Secret linkerd-identity-issuer",
    override: ([on]) => ({
      identity: {
        issuer: { scheme: on === "true" ? "kubernetes.io/tls" : issuer.scheme },
      },
    }),
  },
  switchFlag(
    "identity-external-ca",
    "identity.externalCA",
    "Trust anchors are kept by others, in ConfigMap linkerd-identity-trust-roots",
  ),
];

/** Files that credentials are read from. */
export const CREDENTIAL_FLAGS: readonly Flag[] = [
  {
    name: "identity-issuer-certificate-file",
    kind: "text",
    about: "PEM file of the issuer's certificate",
  },
  {
    name: "identity-issuer-key-file",
    kind: "text",
    about: "PEM file of the issuer's key",
  },
  {
    name: "identity-trust-anchors-file",
    kind: "text",
    about: "PEM file of the trust anchors",
  },
];

/** Flags that say any value. */
export const SET_FLAGS: readonly Flag[] = [
  {
    name: "values",
    short: "f",
    kind: "list",
    about: "YAML files or https URLs of values; later ones win",
  },
  {
    name: "set",
    kind: "repeat",
    about: "Values as key.inner=value,list[0]=value,other={a,b}",
  },
  {
    name: "set-string",
    kind: "repeat",
    about: "The same, and every value is a string",
  },
  {
    name: "set-file",
    kind: "repeat",
    about: "The same, and every value is a file's content",
  },
];
