// What a release may do, and what an executable file is for. Plain JavaScript: Node runs it in the build.

/** What the command does: reads files and streams, asks clusters and pages, runs plugins and credential helpers. */
export const PERMISSIONS = [
  // What is not allowed is refused, not asked about.
  "--no-prompt",
  "--allow-read",
  "--allow-env",
  "--allow-net",
  "--allow-run",
  "--allow-sys",
];

/** The first bytes of an ELF file for 64 bits, little-endian; and of such a Mach-O file. */
const ELF = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
const MACH_O = [0xcf, 0xfa, 0xed, 0xfe];
/** Machines by the numbers of either format (System V ABI `e_machine`, Mach-O `cputype`). */
const ELF_MACHINES = new Map([[0x3e, "amd64"], [0xb7, "arm64"]]);
const MACH_O_MACHINES = new Map([
  [0x01000007, "amd64"],
  [0x0100000c, "arm64"],
]);

/** The platform of a file that begins so, such as `linux-amd64`; undefined for anything else. */
// deno-lint-ignore explicit-module-boundary-types -- plain JavaScript has no types
export function platformOf(start) {
  const begins = (magic) => magic.every((byte, at) => start[at] === byte);
  if (start.length < 20) return undefined;
  if (begins(ELF)) {
    const machine = ELF_MACHINES.get(start.readUInt16LE(18));
    return machine && `linux-${machine}`;
  }
  if (begins(MACH_O)) {
    const machine = MACH_O_MACHINES.get(start.readUInt32LE(4));
    return machine && `darwin-${machine}`;
  }
  return undefined;
}
