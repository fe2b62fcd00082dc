import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { readTasks } from '../../experiment/results/task-table.ts';
import type { ReportInput } from '../../report/page/input.ts';
import { renderReport } from '../../report/render.ts';
import { generatedClient } from '../../scripts/build/report-client.ts';
import { aRow } from '../fixtures/records.ts';
import { HOSTILE, SAMPLES, sampleReport } from './sample-runs.ts';

const sampleOf = async (name: string): Promise<ReportInput> => {
  const sample = SAMPLES[name];
  if (sample === undefined) throw new Error(`no sample ${name}`);
  return await sampleReport(sample);
};

/** The page's tags in their order, without what is in the script, style and data elements. */
function tags(page: string): string[] {
  const bare = page.replaceAll(/<(script|style)\b([^>]*)>.*?<\/\1>/gs, '<$1$2></$1>');
  return [...bare.matchAll(/<[a-z/!][^>]*>/gi)].map(([tag]) =>
    tag.replaceAll(/(?:href|data-command|data-key|class|x|y|width|height|d|x1|x2|aria-label)="[^"]*"/g, ''),
  );
}

describe('the page', () => {
  test('says what each attempt before the last did, and which nodes it lost', async () => {
    const input = await sampleOf('small');
    const lost = [{ node: 3, at: '2026-11-24T09:00:08.000Z', because: 'silent for 13 s' }];
    const attempts = [
      { attempt: 1, ended: 72, underWay: 6, seconds: 16, lost },
      { attempt: 2, ended: 128, underWay: 0, seconds: 22, lost: [] },
    ];
    const history = input.history.map((entry, at) => ({ ...entry, attempt: at > 2 ? 2 : 1 }));
    const page = renderReport({ ...input, history, summary: { ...input.summary, attempts } });
    expect(page).toContain(
      'Attempt 1: 72 tasks ended in 16 s, 6 under way at its end; <span class="bad">node 3 lost at 09:00:08: silent for 13 s</span>.',
    );
    expect(page.match(/attempt 2: joining/g)).toHaveLength(1);
  });

  test('says the outcome, why, what to do, and shows the manifest', async () => {
    const input = await sampleOf('failed');
    const page = renderReport(input);
    for (const text of [
      '70 of 1,800 tasks failed',
      'ValueError: seed # gives no arena',
      'apiVersion: sierra-batch/v1',
      'resume: foraging-0a1b2c3d4e5',
      'it stopped answering for 15 s',
    ]) {
      expect(page).toContain(text);
    }
  });

  test('a run that never started has a page too', async () => {
    const page = renderReport(await sampleOf('stuck'));
    expect(page).toContain('Given up: the machines did not come in time');
    expect(page).not.toContain('<div id="timeline">');
  });

  test('tells of every experiment that misses runs, with graphs and without', async () => {
    const { images, ...input } = await sampleOf('failed');
    const incomplete = Array.from({ length: 12 }, (_, at) => ({
      experiment: `c1-exp${at}`,
      whole: 31,
      runs: 32,
    }));
    const told = { ...input, summary: { ...input.summary, incomplete } };
    for (const page of [renderReport(told), renderReport({ ...told, ...(images && { images }) })]) {
      expect(page).toContain('Means are of 31 of 32 runs in c1-exp0, 31 of 32 in c1-exp1, ');
      expect(page).toContain(
        ' and 31 of 32 in c1-exp11; what the other runs left is in <code>exp-failed</code>',
      );
    }
    expect(renderReport(input)).not.toContain('Means are of');
  });

  test('a run without tasks has no timeline, unless a node was lost', async () => {
    const input = await sampleReport({ name: 'graphs', tasks: 0, nodes: 2, slots: 2, seconds: 1 });
    expect(renderReport(input)).toContain('<dd>0<small>none was started</small></dd>');
    expect(renderReport(input)).not.toContain('<div id="timeline">');
    const [first, second] = input.nodes;
    if (first === undefined || second === undefined) throw new Error('two nodes');
    const lost = { ...second, state: 'lost', lostAt: second.joinedAt ?? '' } as const;
    expect(renderReport({ ...input, nodes: [first, lost] })).toContain('<div id="timeline">');
  });

  test('a task that was tried again is one task', async () => {
    const input = await sampleOf('small');
    const tries = await readTasks([aRow(3, { exitval: 1 }), aRow(3)]);
    const page = renderReport({ ...input, tasks: tries });
    expect(page).toContain('1 task and 1 earlier try on ');
  });

  test('the same run gives the same page', async () => {
    expect(renderReport(await sampleOf('small'))).toBe(renderReport(await sampleOf('small')));
  });

  test('its policy allows exactly its own script and style, and no request', async () => {
    const page = renderReport(await sampleOf('small'));
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] ?? '';
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? '';
    expect(policy).toBe(
      `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`,
    );
    // Links lead to what is beside the page, and load nothing.
    expect(page).not.toMatch(/ style="| on\w+="|src="|href="(?!\.\.?\/)/);
  });

  test('hostile text changes no tag of the page, wherever it comes from', async () => {
    const input = await sampleOf('failed');
    const harmless = withText(input, 'plain');
    const hostile = withText(input, HOSTILE);
    expect(tags(renderReport(hostile))).toEqual(tags(renderReport(harmless)));
    expect(renderReport(hostile).match(/<script/g)).toHaveLength(3);
  });

  test('lines of a megabyte leave a small page', async () => {
    const page = renderReport(await sampleOf('hostile'));
    expect(page.length).toBeLessThan(300_000);
  });
});

/** One text in every place of a report that others fill. */
function withText(input: ReportInput, text: string): ReportInput {
  const example = { seq: 1, command: text, node: text, exitval: 1, stderrTail: text };
  return {
    ...input,
    summary: {
      ...input.summary,
      headline: text,
      why: text.replaceAll('`', ''),
      next: text.replaceAll('`', ''),
      failures: [{ signature: text, count: 1, nodes: 1, example }],
    },
    manifest: text,
    nodes: input.nodes.map((node) => ({
      ...node,
      lostBecause: text,
      leftOutBecause: text,
      ...(node.index === 1 ? { address: text } : {}),
    })),
    tasks: {
      ...input.tasks,
      commands: new Map([...input.tasks.commands.keys()].map((seq) => [seq, text])),
      hosts: input.tasks.hosts.map(() => text),
    },
    run: { ...input.run, name: text, manifestKey: text, bucket: text, instanceType: text, resume: text },
  };
}

describe('the script in the page', () => {
  test('is current', async () => {
    expect(await readFile(new URL('../../report/page/client.generated.ts', import.meta.url), 'utf8')).toBe(
      await generatedClient(),
    );
  });

  test('a bundle renders the same page as plain Node', async () => {
    const built = await build({
      entryPoints: [fileURLToPath(new URL('../../report/render.ts', import.meta.url))],
      bundle: true,
      minify: true,
      write: false,
      platform: 'node',
      format: 'esm',
    });
    const code = Buffer.from(built.outputFiles[0]?.contents ?? []).toString('base64');
    const bundled: { renderReport: typeof renderReport } = await import(
      `data:text/javascript;base64,${code}`
    );
    const input = await sampleOf('small');
    expect(bundled.renderReport(input)).toBe(renderReport(input));
  });
});
