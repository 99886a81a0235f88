/** Where Debian's packages put nginx's modules. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** One process that neither forks nor leaves the terminal. */
export function nginxCommand(folder: string, config: string): string[] {
  return ["nginx", "-p", folder, "-e", `${folder}/error.log`, "-c", config];
}

/** The part before `http`: one worker, everything it writes in its own folder. */
export function nginxPreamble(folder: string): string {
  return `load_module ${STREAM_MODULE};
daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log error;
events {
  worker_connections 8192;
  multi_accept on;
}`;
}

/** Temporary files of one `http` block; nginx makes the folders at start even when nothing uses them. */
export function nginxTemporaryPaths(folder: string): string {
  return ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${folder}/${kind};`).join("\n");
}
