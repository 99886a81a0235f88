/** A route of a ServiceProfile. */
export interface Route {
  /** As metrics show it. */
  readonly name: string;
  readonly condition: { readonly method: string; readonly pathRegex: string };
  readonly isRetryable?: boolean;
  readonly timeout?: string;
  readonly responseClasses?: readonly ResponseClass[];
}

export interface ResponseClass {
  readonly condition: {
    readonly status: { readonly min: number; readonly max: number };
  };
  readonly isFailure?: boolean;
}

/** Text as a regular expression that it alone fits; characters are escaped as in Go, which reads it. */
export function quote(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
