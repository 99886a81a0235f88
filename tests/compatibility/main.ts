// Writes docs/compatibility.md: bun tests/compatibility/main.ts
import { formatPage } from "./page.ts";

await Bun.write(
  `${import.meta.dir}/../../docs/compatibility.md`,
  formatPage(),
);
