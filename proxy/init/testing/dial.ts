/** `bun dial.ts uid gid ip:port ...`: as that user and group, prints what each address says, or the error's code. */
import { parseAddress } from "../../../schemas/address.ts";

const [uid = "0", gid = "0", ...addresses] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(Number(gid));
process.setuid?.(Number(uid));

for (const text of addresses) {
  process.stdout.write(`${text} ${await dial(text)}\n`);
}

function dial(text: string): Promise<string> {
  const { ip, port } = parseAddress(text);
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = "";
  Bun.connect({
    hostname: ip,
    port,
    socket: {
      data(_socket, chunk) {
        said += chunk.toString();
      },
      close: () => resolve(said),
    },
  }).catch((error: { code?: string }) => resolve(error.code ?? String(error)));
  return promise;
}
