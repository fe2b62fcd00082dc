import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { realClock } from '../../local/clock/real.ts';

/** The text of an object, or undefined where there is none. */
export async function readText(s3: S3Port, bucket: string, key: string): Promise<string | undefined> {
  return (await new Bucket(s3, bucket, realClock).read(key))?.text;
}

/** The same of a record that the test itself had written. */
export async function readJson<Value>(s3: S3Port, bucket: string, key: string): Promise<Value | undefined> {
  const text = await readText(s3, bucket, key);
  return text === undefined ? undefined : JSON.parse(text);
}
