// The demo's orders: `POST /orders` takes one and answers 201 with its number.
import { serve } from "./serve.ts";

let taken = 0;

serve(8080, async (request) => {
  const { pathname } = new URL(request.url);
  if (request.method !== "POST" || pathname !== "/orders") {
    return new Response("no such page\n", { status: 404 });
  }
  const { item } = await request.json() as { item: string };
  return Response.json({ number: ++taken, item }, { status: 201 });
});
