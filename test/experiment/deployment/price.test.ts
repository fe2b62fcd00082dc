import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import {
  costClause,
  costSpoken,
  listPrice,
  priceOfNode,
  usdOf,
} from '../../../experiment/deployment/price.ts';
import { deploymentFaults } from '../../../experiment/manifest/deployment-faults.ts';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import { makePlan } from '../../../experiment/plan/make.ts';
import { mostNodeHoursOf, mostSentence, mostSpoken } from '../../../experiment/plan/most-cost.ts';
import { DEPLOYMENT } from '../manifest/planned.ts';

const stack: Deployment = { ...DEPLOYMENT, instanceTypes: ['c7i.4xlarge', 'g5.xlarge'] };

describe('the list of prices', () => {
  it.each([
    ['c6i.4xlarge', 'us-east-1', 0.68],
    // The source has the price of a dedicated host for this one, 10 % higher.
    ['c7i.4xlarge', 'eu-central-1', 0.8148],
    ['m5.large', 'eu-west-1', 0.107],
  ])('%s in %s', (type, region, usd) => {
    expect(listPrice(type, region)).toBeCloseTo(usd, 3);
  });

  it.each([
    ['a zero of the source', 'c7g.4xlarge', 'eu-central-2x'],
    ['a family whose sizes do not agree', 'g5.xlarge', 'us-east-1'],
    ['a type that nobody knows', 'constructor.large', 'us-east-1'],
    ['a whole family', 'c6i', 'us-east-1'],
  ])('does not know %s', (_, type, region) => {
    expect(listPrice(type, region)).toBeUndefined();
  });
});

describe('the price of a run', () => {
  it('is the deployment’s own for the type that it gives, and the list’s for others', () => {
    const own = { ...stack, nodePrice: 0.5 };
    expect(priceOfNode({}, own)).toEqual({ kind: 'known', usdAnHour: 0.5, of: 'c7i.4xlarge, eu-central-1' });
    expect(priceOfNode({}, stack)).toMatchObject({ kind: 'known', usdAnHour: expect.closeTo(0.8148, 3) });
    expect(priceOfNode({ instanceType: 'c6i.large' }, own)).toMatchObject({
      usdAnHour: expect.closeTo(0.097, 3),
    });
    expect(priceOfNode({ instanceType: 'g5.xlarge' }, own)).toEqual({
      kind: 'unknown',
      of: 'g5.xlarge, eu-central-1',
    });
    expect(priceOfNode({ queue: 'gpu' }, own)).toEqual({
      kind: 'unknown',
      of: 'the machines of the queue gpu',
    });
    expect(priceOfNode({}, DEPLOYMENT)).toEqual({ kind: 'free' });
  });

  it('is said, or said to be unknown', () => {
    const known = { kind: 'known', usdAnHour: 0.6803, of: 'c7i.4xlarge, eu-west-1' } as const;
    expect(costSpoken(5, known)).toBe('≈ 3.40 USD, on-demand list price of c7i.4xlarge, eu-west-1');
    expect(costSpoken(5, known, { isBound: true })).toMatch(/^≈ 3\.41 USD/);
    expect(costClause(5, known)).toBe('5 node-hours (≈ 3.40 USD)');
    expect(costClause(0.001, known)).toBe('0.001 node-hours (≈ under 0.01 USD)');
    expect([costSpoken(5, { kind: 'free' }), costClause(5, { kind: 'free' })]).toEqual([
      'costs nothing: nodes are processes of this machine',
      '5 node-hours',
    ]);
    expect(costSpoken(5, { kind: 'unknown', of: 'g5.xlarge, eu-west-1' })).toMatch(/unknown: no price of g5/);
    expect([known, { kind: 'free' } as const, undefined].map((one) => usdOf(2, one))).toEqual([
      1.3606,
      0,
      undefined,
    ]);
  });
});

describe('a budget in dollars', () => {
  const judged = (budget: string, deployment: Deployment, more = '') => {
    const text = `apiVersion: sierra-batch/v1\nname: a\ncluster: {nodes: 2${more}}\nrun: {commands: {list: [x]}}\nbudget: ${budget}\n`;
    const read = parseManifest(Buffer.from(text), 'yaml');
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    const faults = deploymentFaults(read.manifest, read.source, deployment);
    const source = { bucket: 'b', key: 'k', version: 'v' };
    const plan = makePlan(read.manifest, { runId: 'a-0123456789a', folder: 'a', source, deployment });
    return { faults, plan };
  };
  const priced = { ...stack, nodePrice: 0.5 };

  it('holds as node-hours, by which settle, node 0 and the report judge, whichever is nearer', () => {
    expect(judged('{usd: 40}', priced).plan).toMatchObject({ maxNodeHours: 80, maxUsd: 40 });
    expect(judged('{usd: 40, maxNodeHours: 100}', priced).plan).toMatchObject({
      maxNodeHours: 80,
      maxUsd: 40,
    });
    const hours = judged('{usd: 40, maxNodeHours: 70}', priced).plan;
    expect([hours.maxNodeHours, hours.maxUsd]).toEqual([70, undefined]);
  });

  it('is a fault that names maxNodeHours where there is no price, and no more where that is given', () => {
    const { faults } = judged('{usd: 40}', priced, ', instanceType: g5.xlarge');
    expect(faults).toMatchObject([
      {
        code: 'no-price',
        path: 'budget.usd',
        line: 5,
        message: expect.stringContaining('budget.maxNodeHours'),
      },
    ]);
    expect(judged('{maxNodeHours: 4}', priced, ', instanceType: g5.xlarge').faults).toEqual([]);
  });

  it('is accepted and never reached where nothing is paid', () => {
    const { faults, plan } = judged('{usd: 0.01}', DEPLOYMENT);
    expect([faults, plan.maxNodeHours]).toEqual([[], undefined]);
    expect(mostSpoken(plan)).toMatch(/costs nothing/);
    expect(mostSentence(plan)).toBe('It costs nothing: nodes are processes of this machine.');
    expect(mostSentence({ ...plan, maxNodeHours: 1 })).toMatch(/^It takes at most .*\.$/);
  });

  it('plan says the most, with what the end takes, and rounds no bound down', () => {
    const { plan } = judged('{maxNodeHours: 0.0123}', priced);
    expect(mostNodeHoursOf(plan)).toBeCloseTo(0.0123 + (2 * 1080) / 3600);
    expect(mostSpoken(plan)).toMatch(
      /^at most 0\.613 node-hours \(the budget.*; ≈ 0\.31 USD, on-demand list price of c7i\.4xlarge, eu-central-1$/,
    );
  });
});
