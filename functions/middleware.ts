import middy from '@middy/core';
import { isFromAws, messageOf, nameOf } from '../aws/errors.ts';
import {
  ServiceUnavailable,
  StillStopping,
  TerminalError,
  TransientError,
} from '../experiment/util/errors.ts';
import type { FunctionDeps } from './deps.ts';

/** A function as Lambda, the local system and the simulation call it. */
export type LambdaFunction<Output> = (event: unknown, context?: object) => Promise<Output>;

/**
 * What every function has around it: a fault of AWS becomes `ServiceUnavailable`, so that whoever matches on names knows
 * that trying again may help, and every failure is one log line with its family.
 */
export function withMiddleware<Output>(
  name: string,
  { logger, metrics }: Pick<FunctionDeps, 'logger' | 'metrics'>,
  handler: (event: unknown) => Promise<Output>,
): LambdaFunction<Output> {
  const lambda = middy({ timeoutEarlyInMillis: 0, requestEnd: async () => metrics.flush?.() }) // Its timer would not know virtual time; Lambda has its own.
    .onError((request) => {
      const error = request.error;
      const family = error instanceof TerminalError ? 'terminal' : 'transient';
      // An answer by an error, which the state Stop waits for.
      if (!(error instanceof StillStopping)) metrics.count('FunctionFailed');
      logger.error(`${name}:Failed`, { family, error: nameOf(error), said: messageOf(error) });
      request.error = asOurs(error);
    })
    .handler(handler);
  // middy types the context as Lambda's own, which nothing here reads.
  return lambda as unknown as LambdaFunction<Output>;
}

function asOurs(error: unknown): Error {
  if (error instanceof TerminalError || error instanceof TransientError) return error;
  if (isFromAws(error))
    return new ServiceUnavailable(`${nameOf(error)}: ${messageOf(error)}`, { cause: error });
  return error instanceof Error ? error : new Error(messageOf(error));
}
