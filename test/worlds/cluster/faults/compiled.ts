import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandIn } from '../machine/command-in.ts';

const BUILT = fileURLToPath(new URL('../../../../.sierra-batch/tools/', import.meta.url));

const known = new Map<string, Promise<string>>();

/**
 * The path of what a C source compiles to, made when the source changed, once, whoever asks for it at the same time.
 * @throws Error with what gcc said
 */
export function compiled(source: string, options: readonly string[]): Promise<string> {
  const made = known.get(source) ?? compile(source, options);
  known.set(source, made);
  return made;
}

async function compile(source: string, options: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const file = `${BUILT}${basename(source, '.c')}-${hash}`;
  if (existsSync(file)) return file;
  mkdirSync(BUILT, { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  await commandIn(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', unfinished, source, ...options]);
  renameSync(unfinished, file);
  return file;
}
