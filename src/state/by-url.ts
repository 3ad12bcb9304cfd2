import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { fileProblems, misreading, pathProblem } from '../server-url.ts'
import { postgresAddress } from '../sinks/sql/postgresql/address.ts'
import { isTableName } from './dynamodb-name.ts'
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
  if (/^file:./.test(url)) return pathProblem(url)
  if (/^dynamodb:./.test(url)) return tableProblem(url.slice('dynamodb:'.length))
  if (/^postgres(ql)?:\/\//.test(url)) return databaseProblem(url)
  return 'must be file:PATH, postgresql://USER@HOST/DATABASE or dynamodb:TABLE'
}

function tableProblem(table: string): string | null {
  if (table.includes('?')) return 'takes no parameters: --region, --profile and --role-arn say how the table is reached'
  return isTableName(table) ? null : `names "${table}", which is not the name of a DynamoDB table`
}

/** A schema is nothing to choose: the state lies in `cdc_relay`. */
function databaseProblem(url: string): string | null {
  if (!URL.canParse(url) && misreading(url) === null) return 'is not a URL'
  try {
    postgresAddress(url, ['schema'])
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    return `is refused. ${error.detail}`
  }
  return fileProblems(url, ['sslrootcert', 'sslcert', 'sslkey']).join('; ') || null
}

/** @param url one that `stateProblem` finds nothing wrong with. @throws RelayError CONFIGURATION */
export async function openStateStore(url: string, config: StateConfig, env: Env, log: Log): Promise<StateStore> {
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
        endpointUrl: env.AWS_ENDPOINT_URL_DYNAMODB,
        env,
        log,
      })
    }
    case 'postgres':
    case 'postgresql': {
      const { connect } = await import('../sinks/sql/connect.ts')
      const { sqlStateStore } = await import('../sinks/sql/state-store.ts')
      const { askerOf } = await import('../sinks/sql/advice.ts')
      return sqlStateStore(await connect(url, null, env), askerOf(url, env))
    }
  }
  throw new RelayError('CONFIGURATION', `--state ${stateProblem(url)}`)
}
