/** With a GPU that AWS Batch's image ECS_AL2023_NVIDIA has a driver for: of NVIDIA, from Turing on. */
const FAMILY = /^(g4dn|gr?[5-9][a-z]{0,2}|p[4-9][a-z]{0,2}(-[a-z]+\d+)?)$/;
/** Arm, which that image is not for. */
const ARM = 'g5g';

/** Whether nodes of an instance type, or of a whole family of them, find a GPU. */
export function hasGpus(instanceType: string): boolean {
  const [family = ''] = instanceType.split('.');
  return FAMILY.test(family) && family !== ARM;
}
