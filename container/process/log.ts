import pino from 'pino';

/** What a step tells: an event (`Noun:Verb` or `Noun:Thing:State`) with its fields. */
export type Log = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface NodeLog {
  log: Log;
  /** The newest lines, at most 64 KiB: what is sent as `logs/nodes/<i>.log`. */
  tail: LogTail;
  /** Called with every line from now on (a worker passes them on to node 0). */
  onLine(listener: (line: string) => void): void;
}

/** Lines as JSON to standard output (CloudWatch keeps them) and into a bounded tail. */
export function makeNodeLog(node: number, write: (line: string) => void): NodeLog {
  const tail = new LogTail();
  let listener: (line: string) => void = () => {};
  const destination = {
    write(line: string) {
      write(line);
      tail.add(line);
      listener(line);
    },
  };
  const logger = pino(
    { base: { self: node }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' },
    destination,
  );
  return {
    log: (event, fields) => logger.info(fields ?? {}, event),
    tail,
    onLine(next) {
      listener = next;
    },
  };
}

/** The newest lines of a log, in bounded memory. */
export class LogTail {
  static readonly MAX_BYTES = 64 * 1024;
  #lines: string[] = [];
  #bytes = 0;

  add(line: string): void {
    this.#lines.push(line);
    this.#bytes += line.length;
    if (this.#bytes <= LogTail.MAX_BYTES * 2) return;
    while (this.#bytes > LogTail.MAX_BYTES && this.#lines.length > 1) {
      this.#bytes -= this.#lines.shift()?.length ?? 0;
    }
  }

  text(): string {
    return this.#lines.join('').slice(-LogTail.MAX_BYTES);
  }
}
