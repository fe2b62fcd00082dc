import type { Stop } from '../records/control.ts';

/** What the error that led the state machine into `Stop` makes of the run. `cause` is Lambda's JSON or plain text. */
export function stopFromError(error: { name: string; cause: string }, now: number): Stop {
  if (error.name === 'States.Timeout')
    return {
      at: now,
      cause: 'timed-out',
      because: 'deadline',
      why: 'all the time that its `timeouts` allow has passed',
    };
  return {
    at: now,
    cause: 'failed',
    because: 'execution-failed',
    why: nameAndMessage(error).slice(0, 1000),
  };
}

function nameAndMessage({ name, cause }: { name: string; cause: string }): string {
  const said = [name, errorMessage(cause)].filter((part) => part !== '');
  return said.length === 0 ? 'an error without a name' : said.join(': ');
}

/** What a failed Lambda said, without its stack; other causes as they are. */
export function errorMessage(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed)
      return String(parsed.errorMessage);
  } catch {
    // Not every cause is JSON.
  }
  return cause;
}
