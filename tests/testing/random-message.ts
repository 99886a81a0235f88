import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";

/** Seeded, so that a failure comes again (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A whole number below a limit. */
export function integer(random: () => number, below: number): number {
  return Math.floor(random() * below);
}

/** Up to a dozen letters of several scripts. */
export function randomText(random: () => number): string {
  const letters = "abcXYZ019.-_é漢🙂 ";
  const all = [...letters];
  return Array.from(
    { length: integer(random, 12) },
    () => all[integer(random, all.length)] ?? "",
  ).join("");
}

function randomScalar(type: ScalarType, random: () => number): unknown {
  switch (type) {
    case ScalarType.STRING:
      return randomText(random);
    case ScalarType.BYTES:
      return Uint8Array.from(
        { length: integer(random, 40) },
        () => integer(random, 256),
      );
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return integer(random, 1000) / 8;
    case ScalarType.INT64:
    case ScalarType.SINT64:
      return BigInt(integer(random, 2 ** 40)) - 100n;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return (BigInt(integer(random, 2 ** 32)) << 32n) |
        BigInt(integer(random, 2 ** 32));
    case ScalarType.INT32:
      return integer(random, 2 ** 31) - integer(random, 2 ** 31);
    case ScalarType.UINT32: // Ports, as a rule.
      return integer(random, random() < 0.8 ? 65_536 : 2 ** 32);
    default:
      return integer(random, 2 ** 32);
  }
}

/** Any message of a type, every field with even chances, at most `depth` levels deep. */
export function randomMessage<Desc extends DescMessage>(
  desc: Desc,
  random: () => number,
  depth = 9,
): MessageShape<Desc> {
  const init: Record<string, unknown> = {};
  for (const field of desc.fields) {
    if (random() < 0.25) continue;
    const item = (): unknown => {
      const message = field.fieldKind === "map" ? undefined : field.message;
      if (message !== undefined) {
        return depth === 0
          ? undefined
          : randomMessage(message, random, depth - 1);
      }
      if (field.fieldKind === "enum" || field.enum !== undefined) return 0;
      return randomScalar(
        "scalar" in field && field.scalar !== undefined
          ? field.scalar
          : ScalarType.STRING,
        random,
      );
    };
    if (field.oneof !== undefined) {
      const value = item();
      const isFirst = init[field.oneof.localName] === undefined;
      if (value !== undefined && (isFirst || random() < 0.5)) {
        init[field.oneof.localName] = { case: field.localName, value };
      }
    } else if (field.fieldKind === "list") {
      init[field.localName] = Array.from({ length: integer(random, 4) }, item)
        .filter((value) => value !== undefined);
    } else if (field.fieldKind === "map") {
      init[field.localName] = Object.fromEntries(
        Array.from(
          { length: integer(random, 4) },
          () => [randomText(random), randomText(random)],
        ),
      );
    } else init[field.localName] = item();
  }
  return create(desc, init as MessageInitShape<Desc>);
}
