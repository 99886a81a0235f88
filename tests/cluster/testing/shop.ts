import { BUSYBOX_IMAGE } from "../node/images.ts";

/** An object of a cluster, or a part of one. */
type Fields = Readonly<Record<string, unknown>>;

/** Answers every request with the name of the pod. */
export const SERVE_NAME =
  "touch /tmp/live; hostname >/tmp/index.html; exec httpd -f -p 8080 -h /tmp";
/** Answers, too, and asks `web` five times a second. */
export const CALL_WEB = `
touch /tmp/live; httpd -p 8080 -h /tmp
while true; do timeout 5 wget -qO /dev/null http://web; sleep 0.2; done`;
/** Prints what each of three Services answers, as a status. */
const ASK_ALL = `
for name in shy locked open; do
  if timeout 30 wget -qO /dev/null http://$name 2>/tmp/error; then echo $name 200
  else echo $name $(sed -n 's/.* HTTP[^ ]* \\([0-9]*\\).*/\\1/p' /tmp/error)
  fi
done`;

export function namespace(name: string): Fields {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

/** Runs a script of the shell. */
export function container(name: string, script: string): Fields {
  return {
    name,
    image: BUSYBOX_IMAGE,
    command: ["/bin/sh", "-c", script],
  };
}

/** Two pods of `web`, one of any other, with a service account and a Service of the same name. */
export function deployment(
  namespace: string,
  name: string,
  script: string,
  annotations: Readonly<Record<string, string>> = {},
): readonly Fields[] {
  const metadata = { name, namespace };
  const labels = { app: name };
  // A path of its own: what a probe asks for, anybody may ask for.
  const probe = { httpGet: { path: "/live", port: 8080 }, periodSeconds: 1 };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: name === "web" ? 2 : 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations },
          spec: {
            serviceAccountName: name,
            terminationGracePeriodSeconds: 2,
            containers: [{
              ...container(name, script),
              ports: [{ containerPort: 8080 }],
              // A busy machine answers late, which is not what is asked here.
              readinessProbe: { ...probe, timeoutSeconds: 10 },
              livenessProbe: {
                ...probe,
                timeoutSeconds: 10,
                failureThreshold: 9,
              },
            }],
          },
        },
      },
    },
  ];
}

/** In the namespace `corner`, with a container that asks all and ends. */
export function job(
  name: string,
  annotations: Readonly<Record<string, string>>,
): Fields {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "corner" },
    spec: {
      template: {
        metadata: { annotations },
        spec: {
          restartPolicy: "Never",
          containers: [container("job", ASK_ALL)],
        },
      },
    },
  };
}
