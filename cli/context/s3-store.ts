import { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { S3Port } from '../../aws/ports.ts';
import { readText } from '../../submission/watch-run.ts';
import type { RunStore } from './run-store.ts';

/** The bucket through S3. */
export function s3Store(s3: () => Promise<S3Port>, bucket: string): RunStore {
  return {
    text: async (key) => readText(await s3(), bucket, key),
    stream: async (key) => {
      try {
        const { Body } = await (await s3()).send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return Body instanceof Readable ? Body : undefined;
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    },
    folders: async (prefix) => {
      const found: string[] = [];
      const client = await s3();
      let more: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            Delimiter: '/',
            ContinuationToken: more,
          }),
        );
        for (const { Prefix = '' } of page.CommonPrefixes ?? [])
          found.push(Prefix.slice(prefix.length).replace(/\/$/, ''));
        more = page.NextContinuationToken;
      } while (more !== undefined);
      return found;
    },
  };
}
