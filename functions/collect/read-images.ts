import type { Bucket } from '../../aws/bucket.ts';
import { TooLarge } from '../../aws/stored-object.ts';
import type { OutputIndex } from '../../experiment/records/outputs.ts';
import type { ReportImages } from '../../report/page/images.ts';
import { imageType, pickImages } from '../../report/page/images.ts';

/** The pictures that a run's report takes in. What was removed or has grown meanwhile is left out. */
export async function readImages(
  bucket: Bucket,
  folder: string,
  outputs: OutputIndex | undefined,
): Promise<ReportImages> {
  const { picked, left } = pickImages({ files: outputs?.files ?? [] });
  const shown: ReportImages['shown'][number][] = [];
  for (const path of picked) {
    const bytes = await bucket.readBytes(`${folder}${path}`).catch(noneWhereTooLarge);
    const type = imageType(path);
    if (bytes !== undefined && type !== undefined)
      shown.push({ path, type, base64: Buffer.from(bytes).toString('base64') });
  }
  return { shown, left };
}

function noneWhereTooLarge(error: unknown): undefined {
  if (!(error instanceof TooLarge)) throw error;
}
