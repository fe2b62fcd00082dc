import type { JobTimeout, RetryStrategy } from '@aws-sdk/client-batch';
import { clientError } from './client-error.ts';

/** Job and definition names. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/** attempts 1–10, at most 5 rules. @throws ClientException */
export function checkRetryStrategy(strategy: RetryStrategy | undefined): void {
  const attempts = strategy?.attempts ?? 1;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 10)
    throw clientError('retryStrategy.attempts: 1 to 10');
  const rules = strategy?.evaluateOnExit ?? [];
  if (rules.length > 5) throw clientError('evaluateOnExit: at most 5 rules');
  for (const { action, onExitCode, onReason, onStatusReason } of rules) {
    if (!/^(RETRY|EXIT)$/i.test(action ?? '')) throw clientError('evaluateOnExit: action is RETRY or EXIT');
    if (onExitCode !== undefined && !/^[0-9]+\*?$|^\*$/.test(onExitCode))
      throw clientError(`evaluateOnExit: onExitCode ${JSON.stringify(onExitCode)} is not digits`);
    for (const pattern of [onReason, onStatusReason]) {
      if (pattern !== undefined && !/^[0-9A-Za-z.:\s]*\*?$/.test(pattern))
        throw clientError(
          `evaluateOnExit: the pattern ${JSON.stringify(pattern)} has characters that Batch refuses`,
        );
    }
  }
}

/** At least 60 seconds. @throws ClientException */
export function checkTimeout(timeout: JobTimeout | undefined): void {
  const seconds = timeout?.attemptDurationSeconds;
  if (seconds !== undefined && seconds < 60) throw clientError('timeout.attemptDurationSeconds: at least 60');
}

/** At most 50, keys 1–128 and values ≤ 256 characters, of AWS's own, none beginning `aws:`. @throws ClientException */
export function checkTags(tags: Readonly<Record<string, string>> | undefined): void {
  const entries = Object.entries(tags ?? {});
  if (entries.length > 50) throw clientError('tags: at most 50');
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 128 || value.length > 256 || key.startsWith('aws:'))
      throw clientError(`the tag ${JSON.stringify(key)} is not allowed`);
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value))
      throw clientError(`the tag ${JSON.stringify(key)} contains illegal characters`);
  }
}
