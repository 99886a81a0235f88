import { Problem } from "../problem.ts";
import type { LabelSelector } from "./selector.ts";

/** A label selector as kubectl takes it, such as `app=web,tier!=db,zone in (a, b),!old`; throws `request.invalid`. */
export function parseSelector(text: string): LabelSelector {
  const matchExpressions = split(text).map((requirement) => {
    for (const [form, read] of FORMS) {
      const match = form.exec(requirement);
      if (match !== null) return read(match);
    }
    throw new Problem(
      "request.invalid",
      `selector "${text}": cannot read "${requirement}"`,
      { hint: "write it as app=web, app!=web, app in (web, api), app or !app" },
    );
  });
  return { matchExpressions };
}

type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/** Names of labels, with or without a domain before them, and their values. */
const KEY = "([A-Za-z0-9][A-Za-z0-9._/-]*)";
const VALUE = "([A-Za-z0-9._-]*)";

const FORMS: readonly (readonly [
  RegExp,
  (match: RegExpExecArray) => Requirement,
])[] = [
  [
    new RegExp(`^${KEY}\\s*==?\\s*${VALUE}$`),
    ([, key = "", value = ""]) => ({ key, operator: "In", values: [value] }),
  ],
  [
    new RegExp(`^${KEY}\\s*!=\\s*${VALUE}$`),
    ([, key = "", value = ""]) => ({ key, operator: "NotIn", values: [value] }),
  ],
  [
    new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([A-Za-z0-9._,\\s-]*)\\)$`),
    ([, key = "", word, values = ""]) => ({
      key,
      operator: word === "in" ? "In" : "NotIn",
      values: values.split(",").map((value) => value.trim()),
    }),
  ],
  [
    new RegExp(`^${KEY}$`),
    ([, key = ""]) => ({ key, operator: "Exists" }),
  ],
  [
    new RegExp(`^!\\s*${KEY}$`),
    ([, key = ""]) => ({ key, operator: "DoesNotExist" }),
  ],
];

/** Requirements stand between commas that are in no parentheses. */
function split(text: string): readonly string[] {
  const parts = text.match(/(?:\([^)]*\)|[^,])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
