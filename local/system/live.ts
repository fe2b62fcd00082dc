import { randomBytes } from 'node:crypto';
import { availableParallelism, homedir } from 'node:os';
import { userName } from '../../submission/user-name.ts';
import type { ImageEnvironment } from '../nodes/node-container.ts';

export interface LocalSurroundings {
  image: ImageEnvironment;
  vcpus: number;
  nonce: () => string;
  /** True where a person watches: a terminal and not CI. */
  interactive: boolean;
  /** True where a question can be answered: CI installs without asking. */
  asks: boolean;
  colour: boolean;
  /** The user's own folder: npm runs its scripts in the package's. */
  from: string;
  /** npm is this process's parent. */
  throughNpm: boolean;
}

/** The only place of this room that reads the environment. */
export function live(): LocalSurroundings {
  const { env } = process;
  const image: Record<string, string> = {
    HOME: env.HOME ?? homedir(),
    PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    USER: userName() ?? 'user',
  };
  for (const [name, value] of Object.entries(env))
    if (/^(LANG|LC_[A-Z]+|LD_LIBRARY_PATH|PYTHONPATH|PARALLEL)$/.test(name) && value !== undefined)
      image[name] = value;
  const inCi = !['', 'false', undefined].includes(env.CI);
  const interactive = process.stdout.isTTY === true && !inCi;
  const throughNpm = env.npm_lifecycle_event === 'start' || env.npm_lifecycle_event === 'cluster';
  return {
    from: throughNpm ? (env.INIT_CWD ?? process.cwd()) : process.cwd(),
    throughNpm,
    image,
    vcpus: availableParallelism(),
    nonce: () => randomBytes(16).toString('hex'),
    interactive,
    asks: !inCi,
    colour: interactive && env.NO_COLOR === undefined,
  };
}
