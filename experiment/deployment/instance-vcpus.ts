/** Whose size tells another number than the usual: as many as they have cores, or 36. */
const UNUSUAL = /^(hpc|(c4|d2)\.8xlarge$)/;

/** All vCPUs of an instance, by AWS's names of sizes: `large` has 2, `xlarge` 4, `16xlarge` 64. Others are not told. */
export function vcpusOf(instanceType: string): number | undefined {
  const size = /^[a-z][a-z0-9-]*\.(?:(\d*)x)?large$/.exec(instanceType);
  if (size === null || UNUSUAL.test(instanceType)) return undefined;
  return instanceType.endsWith('.large')
    ? 2
    : 4 * Number(size[1] === '' || size[1] === undefined ? 1 : size[1]);
}
