import { imageOf } from "../given.ts";

/** A Deployment of busybox, for tests. */
export interface WorkloadOptions {
  readonly name: string;
  readonly namespace: string;
  /** What its container runs, in `sh`. */
  readonly script: string;
  /** Of its pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What gets connections at a Service of its name, port 80; none by default. */
  readonly port?: number;
}

/** Serves the pod's name at port 8080. */
export const SERVE_NAME =
  "cd /tmp; hostname > index.html; touch ready; exec httpd -f -p 8080";

/** Of its own: a path that probes ask for, anybody in the cluster may ask for. */
const PROBE_PATH = "/ready";

/** A Deployment of one pod with a service account, and where it listens a probe and a Service, all of its name. */
export function workload(options: WorkloadOptions): unknown[] {
  const { name, namespace, script, annotations = {}, port } = options;
  const metadata = { name, namespace };
  const labels = { app: name };
  // Often, but patient with a busy machine.
  const probe = {
    httpGet: { path: PROBE_PATH, port },
    periodSeconds: 1,
    timeoutSeconds: 10,
  };
  const serving = port === undefined ? {} : {
    ports: [{ containerPort: port }],
    readinessProbe: probe,
    livenessProbe: { ...probe, failureThreshold: 10 },
  };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations },
          spec: {
            serviceAccountName: name,
            terminationGracePeriodSeconds: 1,
            containers: [{
              name: "app",
              image: imageOf("busybox"),
              command: ["/bin/sh", "-c", script],
              ...serving,
            }],
          },
        },
      },
    },
    ...(port === undefined ? [] : [{
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ port: 80, targetPort: port }] },
    }]),
  ];
}

/** A namespace whose pods get a proxy, or with false none. */
export function namespaceOf(name: string, inject = true): unknown {
  const annotations = { "linkerd.io/inject": inject ? "enabled" : "disabled" };
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, annotations },
  };
}
