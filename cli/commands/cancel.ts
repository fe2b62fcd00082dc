import type { Context } from '../context.ts';

export async function cancel(context: Context, ..._: unknown[]): Promise<number> {
  await context.target();
  return 0;
}
