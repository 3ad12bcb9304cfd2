import { type AwsAddress, awsAddress, awsAddressProblems, awsOptionsFor, commonSettings } from '../aws/address.ts'
import { isTableName } from './dynamodb-name.ts'
import type { StateEntry } from './entry.ts'

/** An item of a DynamoDB table; `--endpoint-url` is Kinesis's. */
export const DYNAMODB_STORE: StateEntry = {
  usage: 'dynamodb:TABLE[?region=…&profile=…&role-arn=…]',
  commonAws: (url) => commonSettings(addressOf(url)).filter((name) => name !== 'endpoint-url'),
  problem(url) {
    const address = addressOf(url)
    if (!isTableName(address.name)) return `names "${address.name}", which is not the name of a DynamoDB table`
    return awsAddressProblems(address).join('; ') || null
  },
  secrets: () => [],
  async open(url, { aws, env, log }) {
    const { dynamodbStateStore } = await import('./dynamodb.ts')
    const address = addressOf(url)
    const own = awsOptionsFor(address, { ...aws, endpointUrl: env.AWS_ENDPOINT_URL_DYNAMODB || undefined })
    return dynamodbStateStore({ ...own, table: address.name, log })
  },
}

const addressOf = (url: string): AwsAddress => awsAddress(url.slice('dynamodb:'.length))
