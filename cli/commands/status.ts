import type { Context } from '../context.ts';

export async function status(context: Context, ..._: unknown[]): Promise<number> {
  await context.target();
  return 0;
}
