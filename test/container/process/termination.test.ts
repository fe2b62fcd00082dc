import { expect, it } from 'vitest';
import { Termination } from '../../../container/process/termination.ts';

it.each([
  [undefined, 20_000, 24_000],
  [30, 20_000, 24_000],
  [120, 110_000, 114_000],
])('with %s s between SIGTERM and SIGKILL all is sent and ended before', (stopSeconds, sentMs, hardMs) => {
  const termination = new Termination(stopSeconds);
  termination.ask('SIGTERM', 1000);
  termination.ask('SIGINT', 5000);

  expect(termination).toMatchObject({ name: 'SIGTERM', sentBy: 1000 + sentMs, hardMs });
});
