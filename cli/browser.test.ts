import { expect, test } from "bun:test";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandFor, openBrowser } from "./browser.ts";

const URL = "http://localhost:50750";

test("a page opens in the browser of the person, not of root", () => {
  expect(commandFor(URL, "darwin", {})).toEqual(["open", URL]);
  expect(commandFor(URL, "linux", {})).toEqual(["xdg-open", URL]);
  expect(commandFor(URL, "linux", { SUDO_USER: "jane" }))
    .toEqual(["runuser", "-u", "jane", "--", "xdg-open", URL]);
});

test("that no browser opens is told, be there none or one that fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "browser-"));
  const path = process.env["PATH"];
  const failing = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    openBrowser(URL, resolve);
    return promise;
  };
  try {
    process.env["PATH"] = folder;
    delete process.env["SUDO_USER"];
    await failing();
    const opener = join(folder, "xdg-open");
    await writeFile(opener, "#!/bin/sh\nexit 3\n");
    await chmod(opener, 0o755);
    await failing();
  } finally {
    process.env["PATH"] = path;
    await rm(folder, { recursive: true });
  }
});
