import type { Socket } from 'node:net';
import type { MainMessage, WorkerMessage } from './messages.ts';
import { LineCutter, renderMessage } from './messages.ts';

/** More than a node ever says in a second; who sends more is cut off. */
const LINES_A_SECOND = 500;

/** Lines over one socket, bounded in length and number; ends once, with a reason. Both sides use it. */
export class JoinConnection {
  readonly socket: Socket;
  readonly cutter: LineCutter;
  readonly closed: Promise<string>;
  readonly #ended = Promise.withResolvers<string>();
  #second = 0;
  #lines = 0;
  #over = false;

  constructor(socket: Socket, maxLine: number, onLine: (line: string) => void) {
    this.socket = socket;
    this.cutter = new LineCutter(maxLine);
    this.closed = this.#ended.promise;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#hear(chunk, onLine));
    socket.once('error', (error) => this.close(error.message));
    socket.once('close', () => this.close('the other side closed the connection'));
  }

  get isOpen(): boolean {
    return !this.#over;
  }

  send(message: MainMessage | WorkerMessage): void {
    if (!this.#over) this.socket.write(renderMessage(message));
  }

  /** Sends what is queued, then closes. */
  finish(message: MainMessage | WorkerMessage, why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.socket.end(renderMessage(message), () => this.socket.destroy());
    this.#ended.resolve(why);
  }

  close(why: string): void {
    this.#over = true;
    this.socket.destroy();
    this.#ended.resolve(why);
  }

  #hear(chunk: Buffer, onLine: (line: string) => void): void {
    if (this.#over) return;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    for (const line of this.cutter.push(chunk)) {
      this.#lines += 1;
      if (this.#lines > LINES_A_SECOND) this.close('flood: too many lines a second');
      if (!this.#over) onLine(line);
    }
    if (this.cutter.overflow) this.close('a line longer than this protocol has');
  }
}
