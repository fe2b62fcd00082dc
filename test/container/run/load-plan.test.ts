import { expect, it } from 'vitest';
import { loadPlan } from '../../../container/run/load-plan.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { renderPlan } from '../../../experiment/plan/plan.ts';
import { realClock } from '../../../local/clock/real.ts';
import { anAttempt } from '../../fixtures/attempt.ts';
import { aPlan, RUN_ID } from '../../fixtures/records.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const { text, sha256 } = renderPlan(aPlan());

it.each([
  ['the plan that was submitted', text, sha256, { ok: true }],
  [
    'another',
    `${text} `,
    sha256,
    { ok: false, what: expect.stringMatching(/not the plan that was submitted/) },
  ],
  ['any, where the functions are of an earlier version', `${text} `, undefined, { ok: true }],
])('%s', async (_what, Body, planSha256, expected) => {
  const s3 = memoryS3('b');
  await s3.putObject({ Bucket: 'b', Key: runKeys(RUN_ID).plan, Body });
  const {
    attempt: { config },
  } = await anAttempt(planSha256 === undefined ? {} : { config: { planSha256 } });
  expect(await loadPlan(s3, config, realClock, new AbortController().signal)).toMatchObject(expected);
});
