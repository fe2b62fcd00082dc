import { describe, expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { awsError, controlPlane, MANIFEST } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';

const OWN = (name: string, wishes: string) =>
  MANIFEST.replace('name: sweep', `name: ${name}`).replace('vcpus: 2', `vcpus: 2, ${wishes}`);

async function definitions({ localBatch }: Awaited<ReturnType<typeof controlPlane>>) {
  const { jobDefinitions = [] } = await localBatch.describeJobDefinitions({});
  return jobDefinitions.map(({ jobDefinitionName = '', nodeProperties, ...others }) => ({
    name: jobDefinitionName,
    range: nodeProperties?.nodeRangeProperties?.[0],
    container: nodeProperties?.nodeRangeProperties?.[0]?.container,
    retryStrategy: others.retryStrategy,
    timeout: others.timeout,
    platformCapabilities: others.platformCapabilities,
    propagateTags: others.propagateTags,
    schedulingPriority: others.schedulingPriority,
  }));
}

describe('a manifest’s image and shared memory', () => {
  it('make one definition for every run that wishes the same, beside the deployment’s', async () => {
    const plane = await controlPlane();
    await plane.start(OWN('one', 'image: "lab/own:1", sharedMemory: 512MiB'));
    await plane.start(OWN('two', 'image: "lab/own:1", sharedMemory: 512MiB'));
    await plane.start(OWN('three', 'image: "lab/own:2"'));
    await plane.start(OWN('four', 'instanceType: c6i.large'));

    const [deployed, first, second, ...more] = await definitions(plane);
    expect(more).toEqual([]);
    expect(deployed).toMatchObject({ name: 'sierra-batch', container: { image: 'i' } });
    expect(first?.name).toMatch(/^sierra-batch-[0-9a-f]{16}$/);
    expect(first?.container).toMatchObject({
      image: 'lab/own:1',
      linuxParameters: { sharedMemorySize: 512 },
    });
    expect(second).toEqual({
      ...deployed,
      name: second?.name,
      container: { ...deployed?.container, image: 'lab/own:2' },
      range: { targetNodes: '0:', container: { ...deployed?.container, image: 'lab/own:2' } },
    });
    expect(second?.container?.instanceType).toBeDefined();
    const used = plane.localBatch.allJobs().map(({ definition }) => definition.name);
    expect(used).toEqual([first?.name, first?.name, second?.name, 'sierra-batch']);
    const [job] = plane.localBatch.allJobs().slice(-1);
    expect(job?.input.nodeOverrides?.nodePropertyOverrides?.[0]?.containerOverrides?.instanceType).toBe(
      'c6i.large',
    );
  });

  it('that Batch refuses end the run, with Batch’s own words', async () => {
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'registerJobDefinition')
            throw awsError('ClientException', 400, 'not an image');
          return call();
        }),
    });
    const { runId } = await plane.start(OWN('bad', 'image: "lab/own:1"'));
    await plane.pass(60);

    expect(plane.localBatch.allJobs()).toEqual([]);
    expect(await plane.json(runKeys(runId).summary)).toMatchObject({
      outcome: 'failed',
      why: expect.stringContaining('not an image'),
    });
  });

  it('that cannot be registered now are registered by the next who looks, and nobody’s lease is in the way', async () => {
    let failing = true;
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, async (command, call) => {
          if (command.name !== 'registerJobDefinition' || !failing) return call();
          failing = false;
          await call();
          throw awsError('InternalServerError', 500);
        }),
    });
    const { runId } = await plane.start(OWN('late', 'image: "lab/own:1"'));
    expect(await plane.json(runKeys(runId).control)).not.toHaveProperty('submitting');
    await plane.tick(1);

    expect(plane.localBatch.allJobs()).toHaveLength(1);
    expect(await definitions(plane)).toHaveLength(2);
  });
});
