import { isTableName } from './dynamodb-name.ts'
import type { StateEntry } from './entry.ts'

export const DYNAMODB_STORE: StateEntry = {
  usage: 'dynamodb:TABLE',
  asksAws: true,
  problem(url) {
    const table = tableOf(url)
    if (table.includes('?'))
      return 'takes no parameters: --region, --profile and --role-arn say how the table is reached'
    return isTableName(table) ? null : `names "${table}", which is not the name of a DynamoDB table`
  },
  secrets: () => [],
  async open(url, { aws, env, log }) {
    const { dynamodbStateStore } = await import('./dynamodb.ts')
    return dynamodbStateStore({ ...aws, table: tableOf(url), endpointUrl: env.AWS_ENDPOINT_URL_DYNAMODB, log })
  },
}

const tableOf = (url: string): string => url.slice('dynamodb:'.length)
