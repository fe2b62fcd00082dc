/** Bucket and key of `s3://bucket/key`; undefined for anything else. */
/** `s3://bucket/key` taken apart; undefined for anything else. */
export function parseS3Url(url: string): { bucket: string; key: string } | undefined {
  const match = /^s3:\/\/([^/]+)\/(.*)$/s.exec(url);
  return match === null ? undefined : { bucket: match[1] ?? '', key: match[2] ?? '' };
}
