import { chmod, copyFile, mkdir } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../process/log.ts';

/** What the `parallel` in front was called with. */
export interface ParallelCall {
  args: readonly string[];
  /** The file on its standard input. */
  commandsFile: string;
  environment: Readonly<Record<string, string>>;
}

/** How a call is answered: ended here with a code, or left to GNU parallel. */
export type CallAnswer = { kind: 'ended'; code: number; said: readonly string[] } | { kind: 'gnu-parallel' };

export interface Shim {
  /** Belongs in front on the PATH of whoever shall find our `parallel`. */
  folder: string;
  close(): Promise<void>;
}

/** A longer path is no Unix socket. */
const LONGEST_SOCKET_PATH = 107;

/**
 * Puts a `parallel` into a folder of its own and answers its calls. `gone` of a call is aborted when the caller died.
 * Undefined where the folder's path is too long for a socket.
 */
export async function openShim(
  parent: string,
  answer: (call: ParallelCall, gone: AbortSignal) => Promise<CallAnswer>,
  log: Log,
): Promise<Shim | undefined> {
  const folder = join(parent, 'b');
  const path = join(folder, 'runner');
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    log('Sierra:NoDoor', { why: `${path} is too long for a socket` });
    return undefined;
  }
  await mkdir(folder, { mode: 0o700 });
  const program = join(folder, 'parallel');
  await copyFile(fileURLToPath(new URL('./parallel.pl', import.meta.url)), program);
  await chmod(program, 0o700);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    serve(socket, answer).catch((error: unknown) => {
      log('Sierra:DoorFailed', { why: String(error) });
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return { folder, close: () => closeServer(server) };
}

async function serve(
  socket: Socket,
  answer: (call: ParallelCall, gone: AbortSignal) => Promise<CallAnswer>,
): Promise<void> {
  const gone = new AbortController();
  socket.on('error', () => gone.abort());
  socket.on('close', () => gone.abort());
  const call = readCall(await textOf(socket));
  const answered = await answer(call, gone.signal);
  if (gone.signal.aborted) return;
  const lines =
    answered.kind === 'gnu-parallel'
      ? ['G']
      : [...answered.said.map((line) => `E ${line.replaceAll('\n', ' ')}`), `X ${answered.code}`];
  socket.end(`${lines.join('\n')}\n`);
}

async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('end', resolve);
    socket.once('error', reject);
  });
  return Buffer.concat(chunks).toString();
}

/** NUL after each: the number of arguments, the arguments, the file, then NAME=VALUE. */
function readCall(text: string): ParallelCall {
  const [count = '', ...fields] = text.split('\0').slice(0, -1);
  const args = fields.slice(0, Number(count));
  const [commandsFile = '', ...pairs] = fields.slice(Number(count));
  return {
    args,
    commandsFile,
    environment: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
