export interface ClientOptions {
  /** Where the gateway is, e.g. `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** How long a call may take, in milliseconds; a wait that is asked for comes on top. Default 30,000. */
  readonly timeoutMs?: number;
  /** How often a call that changes nothing twice is tried, where trying again may help. Default 3. */
  readonly attempts?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}
