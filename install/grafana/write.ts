/** `bun install/grafana/write.ts` writes the dashboards beside itself, as Grafana imports them. */
import { layOut } from "./dashboard.ts";
import { PAGES } from "./pages.ts";

for (const [name, page] of Object.entries(PAGES)) {
  const text = `${JSON.stringify(layOut(page), null, 2)}\n`;
  await Bun.write(new URL(`${name}.json`, import.meta.url), text);
}
