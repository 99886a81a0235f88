import { expect, test } from "bun:test";
import { platformOf } from "./executable.mjs";

/** The start of a file: bytes, zeroes up to 32. */
function start(...bytes: number[]): Buffer {
  return Buffer.concat([Buffer.from(bytes), Buffer.alloc(32)], 32);
}

const elf = (machine: number) =>
  start(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...Array(9).fill(0), 2, 0, machine);
const machO = (type: number) => start(0xcf, 0xfa, 0xed, 0xfe, type, 0, 0, 1);

test.each([
  ["linux-amd64", elf(0x3e)],
  ["linux-arm64", elf(0xb7)],
  ["darwin-amd64", machO(0x07)],
  ["darwin-arm64", machO(0x0c)],
  [undefined, elf(0x28)],
  [undefined, start(0x23, 0x21)],
  [undefined, Buffer.alloc(0)],
])("platformOf() tells %s", (platform, bytes) => {
  expect(platformOf(bytes)).toBe(platform);
});

test("platformOf() tells what this process runs on", async () => {
  const own = await Bun.file(process.execPath).slice(0, 32).arrayBuffer();
  const machine = process.arch === "x64" ? "amd64" : process.arch;
  expect(platformOf(Buffer.from(own))).toBe(`${process.platform}-${machine}`);
});
