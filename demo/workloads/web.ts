// The demo's front: to answer one page it asks the catalog, the orders, the pricing service (gRPC), the cart (Redis) and
// the legacy tax service. It knows nothing of TLS; the header x-secret goes on to meshed services and x-open to the
// legacy one, so that a packet capture can look for them.
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { RedisClient } from "bun";
import { Pricing } from "./proto/gen/pricing_pb.ts";
import { serve } from "./serve.ts";

/** A price stream on every so many pages, a new Redis connection on every so many. */
const STREAM_EVERY = 10;
const RECONNECT_EVERY = 25;

const pricing = createClient(
  Pricing,
  createGrpcTransport({ baseUrl: "http://pricing:9000" }),
);
const CART = "redis://cart:6379";
let cart = new RedisClient(CART);
let pages = 0;

async function ask(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return await response.json();
}

async function watchPrices(): Promise<void> {
  for await (const quote of pricing.watch({ item: "apple", count: 3 })) {
    if (quote.cents === 0) throw new Error("a price of nothing");
  }
}

async function countVisit(page: number): Promise<number> {
  if (page % RECONNECT_EVERY !== 0) return await cart.incr("visits");
  const old = cart;
  cart = new RedisClient(CART);
  const visits = await cart.incr("visits");
  old.close();
  return visits;
}

serve(8080, async (request) => {
  const page = ++pages;
  const secret = request.headers.get("x-secret") ?? "none";
  const open = request.headers.get("x-open") ?? "none";
  try {
    const [catalog, order, quote, visits, tax] = await Promise.all([
      ask("http://catalog:8080/items", { headers: { "x-secret": secret } }),
      ask("http://orders:8080/orders", {
        method: "POST",
        body: JSON.stringify({ item: "apple", secret }),
      }),
      pricing.quote({ item: "apple" }),
      countVisit(page),
      ask("http://legacy:8080/tax", { headers: { "x-open": open } }),
      page % STREAM_EVERY === 0 ? watchPrices() : null,
    ]);
    return Response.json({ catalog, order, cents: quote.cents, visits, tax });
  } catch (error) {
    process.stderr.write(`page ${page}: ${error}\n`);
    return new Response(`${error}\n`, { status: 502 });
  }
});
