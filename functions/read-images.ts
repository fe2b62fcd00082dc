import { runKeys } from '../experiment/bucket-layout.ts';
import type { OutputIndex } from '../experiment/runner-records.ts';
import type { ReportImages } from '../report/images.ts';
import { imageType, pickImages } from '../report/images.ts';
import type { Bucket } from './bucket.ts';

/** The pictures that a run's report takes in. What was removed meanwhile is left out. */
export async function readImages(
  bucket: Bucket,
  runId: string,
  outputs: OutputIndex | undefined,
): Promise<ReportImages> {
  const { picked, left } = pickImages({ files: outputs?.files ?? [] });
  const shown: ReportImages['shown'][number][] = [];
  for (const path of picked) {
    const bytes = await bucket.readBytes(`${runKeys(runId).outputs}${path}`);
    const type = imageType(path);
    if (bytes !== undefined && type !== undefined)
      shown.push({ path, type, base64: Buffer.from(bytes).toString('base64') });
  }
  return { shown, left };
}
