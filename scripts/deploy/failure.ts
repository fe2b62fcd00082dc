/** It could not be done, or was not: says what and what to do. */
export class DeployFailed extends Error {
  override readonly name = 'DeployFailed';
}
