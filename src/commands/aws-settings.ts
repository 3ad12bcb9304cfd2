import type { AwsOptions } from '../aws/client-settings.ts'
import type { Env } from '../env.ts'
import type { RunConfig } from './run-schema.ts'

export type AwsSettings = Pick<RunConfig, 'region' | 'profile' | 'roleArn' | 'externalId' | 'endpointUrl'>

/** How AWS is reached, by the options that are for all ends. */
export function awsSettings(config: AwsSettings, env: Env): AwsOptions {
  const { region, profile, roleArn, externalId, endpointUrl } = config
  return { region, profile, roleArn, externalId, endpointUrl, env }
}
