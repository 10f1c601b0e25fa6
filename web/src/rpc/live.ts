/**
 * News of blocks as they come, over a WebSocket to the node that served the page. While there is none, the head is asked for; a
 * lost connection is made again.
 */
import { isSame } from "../chain/quantity";
import type { Rpc } from "./client";
import type { Header } from "./types";

const RECONNECT_MS_MIN = 1_000;
const RECONNECT_MS_MAX = 15_000;
/** How often the head is asked for while no WebSocket brings it. */
const POLL_MS = 4_000;

/** Whether news come by themselves, are asked for, or do not come. */
export type Connection = "live" | "polling" | "lost";

export interface Listener {
  head(header: Header, arrivedMs: number): void;
  connection(state: Connection): void;
}

export class Live {
  private socket: WebSocket | undefined;
  private poll: ReturnType<typeof setInterval> | undefined;
  private delayMs = RECONNECT_MS_MIN;
  private newest: string | undefined;
  private stopped = false;

  constructor(
    private readonly rpc: Rpc,
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  start(): void {
    this.stopped = false;
    this.connect();
    this.poll = setInterval(() => {
      if (this.socket?.readyState !== WebSocket.OPEN) void this.ask();
    }, POLL_MS);
    void this.ask();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.poll);
    this.socket?.close();
  }

  private connect(): void {
    if (this.stopped) return;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.delayMs = RECONNECT_MS_MIN;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] }));
      this.listener.connection("live");
      void this.ask();
    };
    socket.onmessage = ({ data }) => this.onMessage(String(data));
    socket.onclose = () => {
      if (this.stopped) return;
      this.listener.connection("polling");
      setTimeout(() => this.connect(), this.delayMs);
      this.delayMs = Math.min(2 * this.delayMs, RECONNECT_MS_MAX);
    };
  }

  private onMessage(text: string): void {
    const message = JSON.parse(text) as { params?: { result?: Header } };
    if (message.params?.result) this.onHead(message.params.result);
  }

  private async ask(): Promise<void> {
    try {
      this.onHead(await this.rpc.call<Header>("eth_getBlockByNumber", "latest", false));
      if (this.socket?.readyState !== WebSocket.OPEN) this.listener.connection("polling");
    } catch {
      if (this.socket?.readyState !== WebSocket.OPEN) this.listener.connection("lost");
    }
  }

  private onHead(header: Header): void {
    if (this.newest !== undefined && isSame(this.newest, header.hash)) return;
    this.newest = header.hash;
    this.listener.head(header, Date.now());
  }
}
