import type { InjectionValues } from "../../schemas/values/proxy.ts";
import type { Form } from "./forms.ts";
import type { Pod } from "./workload.ts";

/** Values while annotations are written into them. */
export type Draft = { values: Deep<InjectionValues>; debug: boolean; pod: Pod };
export type Deep<T> = T extends readonly (infer Item)[] ? Deep<Item>[]
  : T extends object ? { -readonly [Key in keyof T]: Deep<T[Key]> }
  : T;

/** One annotation and what it does. */
export interface Annotation {
  readonly key: string;
  /** Whether a namespace's annotation counts for its pods. */
  readonly inherited: boolean;
  readonly allowed: string;
  readonly accepts: (text: string) => boolean;
  /** Writes a value into the draft; false when it is not one. */
  readonly apply: (draft: Draft, text: string) => boolean;
}

/** What most keys begin with. */
export const CONFIG = "config.linkerd.io/";

/** An annotation whose value has a form; a key without a domain is one of `config.linkerd.io`. */
export function annotation<T>(
  key: string,
  form: Form<T>,
  write: (draft: Draft, value: T) => void,
  inherited = true,
): Annotation {
  return {
    key: key.includes("/") ? key : CONFIG + key,
    inherited,
    allowed: form.allowed,
    accepts: (text) => form.parse(text) !== undefined,
    apply: (draft, text) => {
      const value = form.parse(text);
      if (value === undefined) return false;
      write(draft, value);
      return true;
    },
  };
}
