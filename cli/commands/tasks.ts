import type { Context } from '../context.ts';

export async function tasks(context: Context, ..._: unknown[]): Promise<number> {
  await context.target();
  return 0;
}
