import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Port } from '../../../aws/clients/s3.ts';
import { s3Contract } from '../../local/aws/s3/s3-contract.ts';
import { startMoto } from './moto.ts';

s3Contract('moto', async () => {
  const moto = await startMoto();
  const s3 = new S3Client({
    endpoint: moto.url,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  });
  const bucket = 'lab';
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
    }),
  );
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  return {
    s3: s3Port(s3),
    bucket,
    close: async () => {
      s3.destroy();
      await moto.close();
    },
  };
});
