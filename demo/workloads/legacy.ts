// The demo's pod outside the mesh: computes taxes at `GET /tax`, and reads the catalog twice a second.
import { serve } from "./serve.ts";

const PAUSE_MS = 500;

serve(8080, (request) => {
  if (new URL(request.url).pathname !== "/tax") {
    return new Response("no such page\n", { status: 404 });
  }
  return Response.json({ percent: 20 });
});

for (;;) {
  await Bun.sleep(PAUSE_MS);
  try {
    await (await fetch("http://catalog:8080/items")).text();
  } catch (error) {
    process.stderr.write(`no catalog: ${error}\n`);
  }
}
