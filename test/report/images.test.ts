import { expect, test } from 'vitest';
import { pickImages } from '../../report/page/images.ts';
import { renderReport } from '../../report/render.ts';
import { HOSTILE, SAMPLES, sampleReport } from './sample-runs.ts';

const file = (path: string, size = 1000) => ({ path, size, sha256: '' });

test('graphs come first, what is no picture or empty not at all', () => {
  const files = ['z.png', 'a.csv', 'x/graphs/b.png', 'x/graphs/a.svg', 'x.constructor', 'empty.png'].map(
    (path) => file(path),
  );
  const { picked, left } = pickImages({ files: [...files.slice(0, 5), file('empty.png', 0)] });
  expect(picked).toEqual(['x/graphs/a.svg', 'x/graphs/b.png', 'z.png']);
  expect(left).toBe(0);
});

test('what a failed run of SIERRA drew is not shown', () => {
  const files = ['p/exp-failed/c1-exp0/t_run1_output/end.png', 'p/graphs/exp-failed.png'].map((path) =>
    file(path),
  );
  expect(pickImages({ files })).toEqual({ picked: ['p/graphs/exp-failed.png'], left: 0 });
});

test('a thousand pictures are bounded in number and size, and the rest is counted', () => {
  const many = pickImages({ files: Array.from({ length: 1000 }, (_, at) => file(`${at}.png`)) });
  expect([many.picked.length, many.left]).toEqual([24, 976]);
  const large = pickImages({
    files: [file('huge.png', 1e6), ...Array.from({ length: 9 }, (_, at) => file(`${at}.png`, 500_000))],
  });
  expect([large.picked.length, large.left]).toEqual([6, 4]);
});

test('a picture is in the page itself, and only then may the page show any', async () => {
  const input = await sampleReport(SAMPLES.small ?? { name: 'x', tasks: 5, nodes: 1, slots: 1, seconds: 1 });
  const images = {
    shown: [{ path: `graphs/${HOSTILE}.png`, type: 'image/png', base64: 'iVBORw0KGgo=' }],
    left: 2,
  };
  const page = renderReport({ ...input, images });
  expect(page).toContain('src="data:image/png;base64,iVBORw0KGgo="');
  expect(page).toContain('2 more pictures lie there');
  expect(page).toContain('img-src data:;');
  expect(page.match(/<img /g)).toHaveLength(1);
  expect(renderReport(input)).not.toContain('img-src');
});
