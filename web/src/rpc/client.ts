/**
 * Asks the node that served the page. Calls of one moment travel as one batch; one that waits for news travels alone. Nothing is
 * cached here.
 */

/** Calls in one batch; the node takes a thousand. */
export const BATCH_CALLS_MAX = 64;
/** How long an answer is waited for; longer than the node takes for anything. */
const ANSWER_WAIT_MS = 65_000;
/** How often a request is tried that the node had no room for. */
const TRIES_MAX = 3;
const RETRY_WAIT_MS = 1_000;

/** JSON-RPC's code for a method that the node does not have. */
const METHOD_NOT_FOUND = -32601;

/** What the node answered in place of a result. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }

  /** Whether the node is too old, or not set up, for this question. */
  get isUnknownMethod(): boolean {
    return this.code === METHOD_NOT_FOUND;
  }
}

/** The node could not be reached, or answered what is no JSON-RPC. */
export class UnreachableError extends Error {}

interface Call {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  id: number;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export class Rpc {
  private waiting: Call[] = [];

  constructor(
    private readonly url: string,
    private readonly send: Fetch = (url, init) => fetch(url, init),
  ) {}

  /** The result of a method. Rejects with {@link RpcError} or {@link UnreachableError}. */
  call<T>(method: string, ...params: unknown[]): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.push({ method, params, resolve, reject });
      if (this.waiting.length === 1) queueMicrotask(() => this.flush());
      if (this.waiting.length >= BATCH_CALLS_MAX) this.flush();
    }) as Promise<T>;
  }

  /** As {@link call}, for a method that waits for something: no other call waits with it. */
  callAlone<T>(method: string, ...params: unknown[]): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      void this.post([{ method, params, resolve, reject }]);
    }) as Promise<T>;
  }

  private flush(): void {
    const calls = this.waiting;
    this.waiting = [];
    if (calls.length > 0) void this.post(calls);
  }

  private async post(calls: readonly Call[]): Promise<void> {
    const body = calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params }));
    try {
      const answers = await this.answers(JSON.stringify(body));
      const byId = new Map(answers.map((answer) => [answer.id, answer]));
      for (const [id, call] of calls.entries()) settle(call, byId.get(id));
    } catch (error) {
      for (const call of calls) call.reject(error instanceof Error ? error : new UnreachableError(String(error)));
    }
  }

  private async answers(body: string): Promise<Answer[]> {
    for (let tries = 1; ; tries += 1) {
      const response = await this.request(body);
      if (response.status === 429 && tries < TRIES_MAX) {
        const seconds = Number(response.headers.get("retry-after") ?? 0);
        await new Promise((done) => setTimeout(done, Math.max(RETRY_WAIT_MS, 1000 * seconds)));
        continue;
      }
      const answer: unknown = await response.json().catch(() => {
        throw new UnreachableError(`the node answered with HTTP status ${response.status} and no JSON`);
      });
      if (Array.isArray(answer)) return answer as Answer[];
      const { error } = answer as Answer;
      throw new RpcError(error?.code ?? 0, error?.message ?? "the node did not answer the batch");
    }
  }

  private async request(body: string): Promise<Response> {
    const headers = { "content-type": "application/json" };
    try {
      return await this.send(this.url, { method: "POST", headers, body, signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
    } catch {
      throw new UnreachableError("the node does not answer: does it run, and does the network reach it?");
    }
  }
}

function settle(call: Call, answer: Answer | undefined): void {
  if (answer?.error) call.reject(new RpcError(answer.error.code, answer.error.message, answer.error.data));
  else if (answer && "result" in answer) call.resolve(answer.result);
  else call.reject(new RpcError(0, `the node's answer to ${call.method} is missing`));
}

/** An error in words for people: a revert without what geth puts before it. */
export function inWords(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^execution reverted: /, "");
}
