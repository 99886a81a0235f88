import { writeFile } from "node:fs/promises";
import type { Bed } from "../../demo/bed/bed.ts";
import type { Pod } from "../../demo/bed/pod.ts";

/** Starts nginx in a pod, unprivileged and as one process, and waits until it listens; `http` goes into its http block. */
export async function startNginx(
  bed: Bed,
  pod: Pod,
  http: string,
): Promise<void> {
  const file = `${bed.layout.home}/nginx-${pod.name}.conf`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path /tmp/nginx-${kind};`);
  const text = `daemon off;
master_process off;
pid /dev/null;
error_log stderr notice;
events { worker_connections 1024; }
http {
access_log off;
default_type text/plain;
${temporary.join("\n")}
${http}
}
`;
  await writeFile(file, text);
  const nginx = pod.run(["nginx", "-e", "stderr", "-c", file]);
  // Said once its sockets listen.
  await nginx.line("event method");
}
