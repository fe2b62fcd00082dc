import { describe, expect, it } from 'vitest';
import { untilSent } from '../../../container/transfer/retry-send.ts';
import { untilAnswered } from '../../../container/transfer/retry-start.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';

const away = Object.assign(new Error('connect EHOSTUNREACH'), { code: 'EHOSTUNREACH' });
const busy = Object.assign(new Error('Slow Down'), { $metadata: { httpStatusCode: 503 } });
const silent = Object.assign(new Error('30000 ms of inactivity'), { name: 'TimeoutError' });
const powerless = Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' });
const forbidden = Object.assign(new Error('Access Denied'), { $metadata: { httpStatusCode: 403 } });
const gone = Object.assign(new Error('ENOENT'), { code: 'ENOENT', path: '/mnt/efs/out' });

/** How often it was sent, when each time failed but those after `failures`. */
async function sent(error: Error, failures: number, within = 600_000) {
  const clock = new VirtualClock(0);
  const over = new AbortController();
  void clock.sleep(within).then(() => over.abort());
  let tries = 0;
  const send = async () => {
    tries += 1;
    if (tries <= failures) throw error;
  };
  let outcome: string | undefined;
  void untilSent(send, clock, over.signal).then(
    () => {
      outcome = 'sent';
    },
    () => {
      outcome = 'given up';
    },
  );
  await clock.runUntil(() => outcome !== undefined, 2 * within);
  return { outcome, tries };
}

describe('what is sent to S3', () => {
  it.each([away, busy, silent, powerless])(
    'is sent until it arrives while S3 is out of reach: %s',
    async (error) => {
      expect(await sent(error, 30)).toEqual({ outcome: 'sent', tries: 31 });
    },
  );

  it('is given up when there is no more time', async () => {
    const { outcome, tries } = await sent(away, 1000, 60_000);
    expect(outcome).toBe('given up');
    expect(tries).toBeGreaterThan(5);
  });

  it.each([forbidden, gone])('is given up after four tries when waiting does not help: %s', async (error) => {
    expect(await sent(error, 1000)).toEqual({ outcome: 'given up', tries: 4 });
  });
});

describe('what a node that has just started asks of S3', () => {
  /** How it was answered, when S3 was away for so long. */
  async function answered(error: Error, awayMs: number, endMs = Number.POSITIVE_INFINITY) {
    const clock = new VirtualClock(0);
    const over = new AbortController();
    if (Number.isFinite(endMs)) void clock.sleep(endMs).then(() => over.abort());
    const ask = async () => {
      if (clock.now() < awayMs) throw error;
      return 'the plan';
    };
    let outcome: string | undefined;
    untilAnswered(ask, clock, over.signal).then(
      (answer) => {
        outcome = answer;
      },
      (reason: unknown) => {
        outcome = String(reason);
      },
    );
    await clock.runUntil(() => outcome !== undefined, 600_000);
    return { outcome, seconds: clock.now() / 1000 };
  }

  it.each([away, powerless])('is asked again for a minute: %s', async (error) => {
    expect(await answered(error, 45_000)).toMatchObject({ outcome: 'the plan' });
    const never = await answered(error, Number.POSITIVE_INFINITY);
    expect(never.outcome).toBe(String(error));
    expect(never.seconds).toBeGreaterThan(50);
    expect(never.seconds).toBeLessThanOrEqual(60);
  });

  it('is not asked again when it was refused, or when the node is told to end', async () => {
    expect(await answered(forbidden, 45_000)).toEqual({ outcome: String(forbidden), seconds: 0 });
    expect((await answered(away, 45_000, 3000)).seconds).toBeLessThan(4);
  });
});
