import * as z from 'zod';
import { atFirstUse } from '../experiment/at-first-use.ts';
import { runKeys } from '../experiment/bucket-layout.ts';
import { parsedJson } from '../experiment/parsed-json.ts';
import type { ReportImages } from '../report/images.ts';
import { imageType, pickImages } from '../report/images.ts';
import type { Bucket } from './bucket.ts';

const outputs = atFirstUse(() =>
  z.object({
    files: z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() })),
  }),
);

/** The pictures that a run's report takes in. What was removed meanwhile, or is no index of ours, is left out. */
export async function readImages(bucket: Bucket, runId: string): Promise<ReportImages> {
  const keys = runKeys(runId);
  const { picked, left } = pickImages({ files: await readFiles(bucket, keys.outputIndex) });
  const shown: ReportImages['shown'][number][] = [];
  for (const path of picked) {
    const bytes = await bucket.readBytes(`${keys.outputs}${path}`);
    const type = imageType(path);
    if (bytes !== undefined && type !== undefined)
      shown.push({ path, type, base64: Buffer.from(bytes).toString('base64') });
  }
  return { shown, left };
}

async function readFiles(bucket: Bucket, key: string) {
  const found = await bucket.read(key);
  return outputs().safeParse(parsedJson(found?.text)).data?.files ?? [];
}
