import type { Form } from "./forms.ts";

/** A Kubernetes quantity (resource.Quantity): a decimal number with a binary, decimal or exponent suffix. */
export const quantity: Form<string> = {
  allowed: "a Kubernetes quantity such as 100m, 0.5 or 64Mi",
  parse: (text) =>
    /^\+?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text)
      ? text
      : undefined,
};

/** Whole cores that a quantity of CPU amounts to, rounded up, at least one. */
export function coresOf(text: string): number {
  // To millionths first: 3 cores that arithmetic makes 3.0000000000000004 are not 4.
  return Math.max(1, Math.ceil(Math.round(amountOf(text) * 1e6) / 1e6));
}

/** The number that a quantity stands for, in its base unit. */
export function amountOf(text: string): number {
  const match = /^\+?([\d.]+)(.*)$/.exec(text);
  const suffix = match?.[2] ?? "";
  return Number(match?.[1] ?? 0) * (SCALES[suffix] ?? Number(`1${suffix}`));
}

const SCALES: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
