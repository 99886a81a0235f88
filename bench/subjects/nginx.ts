import { SERVER_NAME } from "../certificates.ts";
import {
  nginxCommand,
  nginxPreamble,
  nginxTemporaryPaths,
} from "../nginx-config.ts";
import type { TlsFiles } from "../stage.ts";
import type { Subject } from "../subject.ts";
import { type Role, startPair } from "./pair.ts";

/** nginx beside each end, HTTP/1.1 with kept connections between them, mutual TLS 1.3. It has no HTTP/2 to upstreams. */
export const nginx: Subject = {
  name: "nginx",
  carries: ["http1", "tcp"],
  start: (stage) =>
    startPair("nginx", 11_000, stage, async (role) => {
      const folder = await stage.folder(`nginx-${role.side}`);
      const text = configOf(role, folder, stage.tls);
      return nginxCommand(
        folder,
        await stage.file(`nginx-${role.side}.conf`, text),
      );
    }),
};

function configOf(role: Role, folder: string, tls: TlsFiles): string {
  const { listen, forward, next, side } = role;
  const accept = side === "server" ? " ssl" : "";
  const scheme = side === "client" ? "https" : "http";
  return `${nginxPreamble(folder)}
http {
  access_log off;
${nginxTemporaryPaths(folder)}
  upstream next {
    server ${next}:${forward.http1};
    keepalive 256;
    keepalive_requests 2000000000;
    keepalive_timeout 1h;
  }
  server {
    listen ${listen.http1}${accept} backlog=4096;
    keepalive_requests 2000000000;
    keepalive_timeout 1h;
${side === "server" ? acceptTls(tls) : ""}
    location / {
      proxy_pass ${scheme}://next;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
${side === "client" ? dialTls(tls) : ""}
    }
  }
}
stream {
  server {
    listen ${listen.tcp}${accept};
    proxy_pass ${next}:${forward.tcp};
    proxy_buffer_size 64k;
${side === "server" ? acceptTls(tls) : `proxy_ssl on;\n${dialTls(tls)}`}
  }
}
`;
}

/** The same directives in `http` and in `stream`. */
function acceptTls(tls: TlsFiles): string {
  return `    ssl_certificate ${tls.server.certificate};
    ssl_certificate_key ${tls.server.key};
    ssl_client_certificate ${tls.anchor};
    ssl_verify_client on;
    ssl_protocols TLSv1.3;`;
}

function dialTls(tls: TlsFiles): string {
  return `    proxy_ssl_certificate ${tls.client.certificate};
    proxy_ssl_certificate_key ${tls.client.key};
    proxy_ssl_trusted_certificate ${tls.anchor};
    proxy_ssl_verify on;
    proxy_ssl_name ${SERVER_NAME};
    proxy_ssl_server_name on;
    proxy_ssl_protocols TLSv1.3;`;
}
