import { describe, expect, test } from "bun:test";
import { createPattern } from "./pattern.ts";

function matches(pattern: string, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  return createPattern(pattern).matches(bytes, 0, bytes.length);
}

/** Patterns that mean the same to JavaScript when it must match the whole. */
const SHARED = [
  "",
  "a",
  "abc",
  "a|bc|",
  "(a|b)*c",
  "(?:ab)+",
  "a?b+c*",
  "a{2}",
  "a{2,}b",
  "a{0,2}b{1,3}",
  "(a*)*",
  "(a+)+b",
  "(|a)+",
  "[abc]+",
  "[^abc]+",
  "[a-c]x",
  "[-a]+",
  "[a-]+",
  "[\\]a]+",
  "\\d+\\.\\d*",
  "\\w+",
  "\\W",
  "\\s|\\S\\S",
  "a.c",
  "^abc$",
  "^a|b$",
  "a^b",
  "a$|b",
  "(^a$|^b$)c?",
  "/api/v[0-9]+/users(/.*)?",
  "a{,2}",
  "{a",
  "x*?y+?z??",
  "\\x41\\t",
  "(?<name>a)b",
  "\\b",
  "\\B",
  "\\babc?\\b",
  "a\\b.*",
  "a\\B.*",
  "\\Ba",
  ".*\\b\\/.*",
  "(\\w+\\b\\W?)*",
  "(a|\\b)+b*",
  "^\\b.*\\b$",
  "a$\\b",
  "\\b^a",
  "a\\b\\B",
];
const TEXTS = [
  "",
  ..."abcxyz-].1/A\t\n ".split(""),
  "ab",
  "abc",
  "aab",
  "aaab",
  "abab",
  "bbc",
  "cab",
  "aaaa",
  "a-a",
  "1.",
  "1.25",
  "a]",
  "a.c",
  "a\nc",
  "xyz",
  "yz",
  "A\t",
  "/api/v1/users",
  "/api/v1/users/7",
  "/api/v/users",
  "/api/v1/usersx",
  "a{,2}",
  "{a",
  "bx",
];

test("a pattern matches what JavaScript's engine matches as a whole", () => {
  for (const pattern of SHARED) {
    const native = new RegExp(`^(?:${pattern})$`);
    for (const text of TEXTS) {
      expect({ pattern, text, matches: matches(pattern, text) })
        .toEqual({ pattern, text, matches: native.test(text) });
    }
  }
});

test.each([
  ["(?i)admin", "AdMiN", true],
  ["(?i:a)b", "Ab", true],
  ["(?i:a)b", "AB", false],
  ["((?i)a)b", "AB", false],
  ["a(?s).b", "a\nb", true],
  ["a(?s:.)", "a\n", true],
  ["(?i)[a-c]\\x41", "Ba", true],
  ["(?P<id>\\d+)", "42", true],
  ["[[:alpha:]][[:^digit:]]", "a-", true],
  ["[[:alpha:]][[:^digit:]]", "a1", false],
  ["\\Aab\\z", "ab", true],
  ["[]a]+", "]a", true],
  ["é+", "éé", true],
  ["\\/x\\-", "/x-", true],
])("RE2: %s on %j is %p", (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

describe("createPattern() refuses", () => {
  test.each([
    ["(", "missing"],
    [")", "too many"],
    ["a**", "repeated"],
    ["*a", "nothing"],
    ["[a", "missing"],
    ["[b-a]", "range"],
    ["[[:letters:]]", "class"],
    ["[\\b]", "escape"],
    ["\\p", "Unicode"],
    ["\\p{Elvish}", "Unicode"],
    ["\\p{L", "Unicode"],
    ["\\p{L}{1001}", "counts"],
    ["(\\pL{100}){100}", "steps"],
    ["\\x{d800}", "code"],
    ["\\x{110000}", "code"],
    ["[ω-α]", "range"],
    ["[\\pL-z]", "range"],
    ["(a)\\1", "escape"],
    ["(?=a)", "group"],
    ["(?<!a)", "group"],
    ["\\", "escape"],
    ["a{1001}", "counts"],
    ["a{3,2}", "counts"],
    ["(a{100}){100}", "steps"],
    ["(".repeat(60) + ")".repeat(60), "deeply"],
  ])("%s", (pattern, why) => {
    expect(() => createPattern(pattern)).toThrow(why);
  });

  test("what is too long to read", () => {
    expect(() => createPattern("a".repeat(5_000))).toThrow("too long");
  });
});

/** The same to JavaScript with the flag `u`. */
const LETTERED = [
  "\\pL+",
  "\\PL+",
  "\\p{Lu}\\p{Ll}*",
  "\\p{Greek}+",
  "\\p{^Greek}+",
  "\\P{Greek}+",
  "\\P{^Greek}+",
  "[\\p{Greek}\\d]+",
  "[^\\p{Greek}]+",
  "[é]",
  "[^é]",
  "[α-ω]+",
  "[a-é]+",
  "[\\D\\p{Greek}]+",
  "\\x{e9}",
  "[\\x{1f600}-\\x{1f64f}]",
  "(?:\\pL|é)*x",
  "(?i)é",
  "(?i)[α-γ]+",
  "(?i)\\p{Lu}+",
  "\\pL*\\b-",
  "\\pL*\\B-",
];
const LETTERED_TEXTS = [
  ...["", "a", "é", "É", "aé", "éa", "αβγ", "ΑΒΓ", "α1", "Aé", "1", "-", "\n"],
  ...["😀", "a😀", "éx", "xx", "日本", "ж", "a-", "é-", "\u{10ffff}", "\ud7ff"],
];

test("classes of letters match what JavaScript's engine matches, character by character", () => {
  for (const pattern of LETTERED) {
    const text = pattern.replace(/^\(\?i\)/, "")
      .replace(/\\([pP])([A-Z])/g, "\\$1{$2}")
      .replace(/\\p\{\^/g, "\\N{").replace(/\\P\{\^/g, "\\p{")
      .replace(/\\N\{/g, "\\P{").replace(/\{Greek/g, "{Script=Greek")
      .replace(/\\x\{/g, "\\u{");
    const flags = pattern.startsWith("(?i)") ? "iu" : "u";
    const native = new RegExp(`^(?:${text})$`, flags);
    for (const given of LETTERED_TEXTS) {
      expect({ pattern, given, matches: matches(pattern, given) })
        .toEqual({ pattern, given, matches: native.test(given) });
    }
  }
});

test("a class of letters matches no octets that are not UTF-8", () => {
  const pattern = createPattern("[^a]+");
  expect(pattern.matches(Uint8Array.of(0x62, 0xc3), 0, 2)).toBeTrue();
  const letters = createPattern("[^é]+");
  for (
    const octets of [
      ...[[0xc3], [0xc3, 0x28], [0x80], [0xc0, 0xaf], [0xe0, 0x80, 0xaf]],
      ...[[0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf8, 0x88]],
    ]
  ) {
    const bytes = Uint8Array.from([0x62, ...octets]);
    expect({ octets, matches: letters.matches(bytes, 0, bytes.length) })
      .toEqual({ octets, matches: false });
  }
});

test.each([
  ["abc", "abc"],
  ["^/a/b/[0-9]+", "/a/b/"],
  ["(/a)é.*", "/aé"],
  ["ab*", "a"],
  ["ab?c", "a"],
  ["a(b|c)", "a"],
  ["a|b", ""],
  ["(?i)abc", ""],
  ["(?i)12a", "12"],
  ["\\babc\\b", "abc"],
  ["/a/\\pL+", "/a/"],
  ["", ""],
])("matches of %j begin with %j", (pattern, lead) => {
  expect(new TextDecoder().decode(createPattern(pattern).lead)).toBe(lead);
});

test("no text makes a pattern slow", () => {
  const long = new TextEncoder().encode(`${"a".repeat(8_000)}!`);
  const started = performance.now();
  for (
    const pattern of [
      ...["(a+)+", "(a|aa)*", "(.*a){20}b", "(a?){30}a{30}"],
      ...["(\\pL+)+", "(\\pL?){30}\\pL{30}", "(\\b|a)*b", "(a\\B|a\\b)*a\\B"],
    ]
  ) {
    expect(createPattern(pattern).matches(long, 0, long.length)).toBeFalse();
  }
  // JavaScript's engine would need longer than the universe has been there.
  expect(performance.now() - started).toBeLessThan(2_000);
});

test("remembers little of what it has seen", () => {
  // Every text of 16 letters is a state of its own here.
  const pattern = createPattern("(a|b)*a(a|b){14}");
  const bytes = new Uint8Array(4_000);
  let seed = 7;
  for (let at = 0; at < bytes.length; at++) {
    seed = Math.imul(seed, 1_103_515_245) + 12_345;
    bytes[at] = 0x61 + (seed >>> 16 & 1);
  }
  bytes[bytes.length - 15] = 0x61;
  expect(pattern.matches(bytes, 0, bytes.length)).toBeTrue();
  bytes[bytes.length - 15] = 0x62;
  expect(pattern.matches(bytes, 0, bytes.length)).toBeFalse();
});
