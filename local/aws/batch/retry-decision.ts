import type { EvaluateOnExit } from '@aws-sdk/client-batch';
import type { NodeExit } from './node-start.ts';

/**
 * Whether Batch starts another attempt: the first rule all of whose conditions hold decides, and NO rule holding means
 * retry. Patterns may end in `*`; exit codes match as text; letter case does not count.
 */
export function retriesAfter(
  exit: NodeExit,
  statusReason: string,
  rules: readonly EvaluateOnExit[],
): boolean {
  const rule = rules.find(
    ({ onExitCode, onReason, onStatusReason }) =>
      fits(onExitCode, exit.exitCode === undefined ? '' : String(exit.exitCode)) &&
      fits(onReason, exit.reason ?? '') &&
      fits(onStatusReason, statusReason),
  );
  return rule === undefined || rule.action?.toUpperCase() === 'RETRY';
}

/** Letter case does not count; a final `*` matches any rest. */
export function fits(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) return true;
  const wanted = pattern.toLowerCase();
  return wanted.endsWith('*')
    ? text.toLowerCase().startsWith(wanted.slice(0, -1))
    : text.toLowerCase() === wanted;
}
