import type { Context } from '../context.ts';

export async function logs(context: Context, ..._: unknown[]): Promise<number> {
  await context.target();
  return 0;
}
