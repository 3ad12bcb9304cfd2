import { RelayError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { StateStore } from './store.ts'

/** The options of the command line that stores look at, under the names that the operator knows. */
export interface StateConfig {
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly 'role-arn'?: string | undefined
  readonly 'external-id'?: string | undefined
}

/** What is wrong with the URL of a state store; null if nothing is. */
export function stateProblem(url: string): string | null {
  if (/^file:./.test(url) || /^dynamodb:./.test(url)) return null
  if (/^postgres(ql)?:\/\//.test(url)) return URL.canParse(url) ? null : 'is not a URL'
  return 'must be file:PATH, postgresql://USER@HOST/DATABASE or dynamodb:TABLE'
}

/** @param url one that `stateProblem` finds nothing wrong with. @throws RelayError CONFIGURATION */
export async function openStateStore(url: string, config: StateConfig, log: Log): Promise<StateStore> {
  const rest = url.slice(url.indexOf(':') + 1)
  switch (url.slice(0, url.indexOf(':'))) {
    case 'file':
      return (await import('./file.ts')).fileStateStore(rest)
    case 'dynamodb': {
      const { dynamodbStateStore } = await import('./dynamodb.ts')
      return dynamodbStateStore({
        table: rest,
        region: config.region,
        profile: config.profile,
        roleArn: config['role-arn'],
        externalId: config['external-id'],
        endpointUrl: process.env.AWS_ENDPOINT_URL_DYNAMODB,
        log,
      })
    }
    case 'postgres':
    case 'postgresql': {
      const { connect } = await import('../sinks/sql/connection.ts')
      const { sqlStateStore } = await import('../sinks/sql/state.ts')
      return sqlStateStore(await connect(url))
    }
  }
  throw new RelayError('CONFIGURATION', `--state ${stateProblem(url)}`)
}
