// The demo's catalog: `GET /items` answers what is for sale. `NAME` tells replicas apart.
import { serve } from "./serve.ts";

const ITEMS = [
  { item: "apple", origin: "orchard" },
  { item: "bread", origin: "bakery" },
  { item: "cheese", origin: "dairy" },
];

serve(8080, (request) => {
  if (new URL(request.url).pathname !== "/items") {
    return new Response("no such page\n", { status: 404 });
  }
  return Response.json({ from: process.env["NAME"], items: ITEMS });
});
