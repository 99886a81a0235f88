/** A Kubernetes cluster as its API server shows it to the caller. */
export interface Cluster {
  /** The API server's URL, for messages. */
  readonly server: string;
  /** The namespace of the kubeconfig context, else `default`. */
  readonly namespace: string;
  /**
   * One call of the API: the JSON that it answers. Throws `ApiError` when the API server refuses it, and a `Problem` of
   * code `connect.failed` when there is no answer.
   */
  readonly call: (request: ApiRequest) => Promise<unknown>;
  /**
   * One call whose answer, of whatever status, is read as it comes, until it ends or the call's `signal` aborts. Throws
   * `ApiError` for credentials that are not accepted, and `connect.failed` as `call` does.
   */
  readonly open: (request: ApiRequest) => Promise<Response>;
  /** Opens a port of a Pod to this machine's loopback, through the API server. */
  readonly forward: (pod: PodName, port: number) => Promise<Forward>;
}

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Such as `/api/v1/namespaces/linkerd/configmaps/linkerd-config`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** A port of a Pod, reachable on loopback until closed. */
export interface Forward {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** The API server's refusal of a call: the `Status` object it answers. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status, such as 404. */
  readonly status: number;
  /** Kubernetes' word for it, such as `NotFound` or `AlreadyExists`. */
  readonly reason: string;
  /** What to do, when the server says so, as our own behind it does. */
  readonly hint: string | undefined;

  constructor(status: number, reason: string, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.hint = hint;
  }
}
