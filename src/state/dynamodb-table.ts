import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { type AwsOptions, clientSettings, watchDates, watchEndpoint } from '../aws/client-settings.ts'
import { type AwsFailure, causeOf, classify, wordsOf } from '../aws/failures.ts'
import { ServiceClock } from '../aws/service-clock.ts'
import { signInFailure } from '../aws/sign-in-failure.ts'
import { type FailureCode, RelayError } from '../errors.ts'
import { attributesOf, HEAD, type Head, type Item, keyOf, PAGE, readHead } from './dynamodb-items.ts'
import { isTableName } from './dynamodb-name.ts'

export interface TableOptions extends AwsOptions {
  readonly table: string
}

/** The items of one table, read and written as they are. Each write is one item, durable when it resolves. */
export interface StateTable {
  head(relay: string): Promise<Head | undefined>
  /** Undefined if there is no such page. */
  page(relay: string, page: string): Promise<Uint8Array | undefined>
  /** The names of all pages, those too that the head does not list. */
  pages(relay: string): Promise<string[]>
  /** False if there is a head. */
  begin(relay: string, head: Head): Promise<boolean>
  /** Sets a part of the head, if it holds all that `expected` says; false if not. */
  update(relay: string, set: Partial<Head>, expected: Partial<Head>): Promise<boolean>
  writePage(relay: string, page: string, content: Uint8Array): Promise<void>
  deletePage(relay: string, page: string): Promise<void>
  /** Epoch ms at the service, within a few seconds. */
  now(): number
  close(): void
}

/** @throws RelayError CONFIGURATION; and from the functions also STATE_UNREACHABLE, STATE_THROTTLED, STATE_DENIED, STATE_BROKEN */
export function openTable(options: TableOptions): StateTable {
  const { table, profile } = options
  checkTableName(table)
  const ofChain = new DynamoDBClient(profile === undefined ? {} : { profile }).config
  const client = new DynamoDBClient(clientSettings(options, ofChain).settings)
  const clock = new ServiceClock()
  watchDates(client, clock)
  const endpoint = watchEndpoint(client)

  const done = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      const signedIn = await signInFailure(error, options, { 'DynamoDB table': table })
      throw await failureOf(signedIn, table, async () => `${await client.config.region()} at ${endpoint()}`)
    }
  }

  return {
    async head(relay) {
      const { Item } = await done(
        client.send(new GetItemCommand({ TableName: table, Key: keyOf(relay, HEAD), ConsistentRead: true })),
      )
      return Item === undefined ? undefined : readHead(Item)
    },

    async page(relay, page) {
      const { Item } = await done(
        client.send(new GetItemCommand({ TableName: table, Key: keyOf(relay, page), ConsistentRead: true })),
      )
      return Item?.content?.B
    },

    async pages(relay) {
      const pages: string[] = []
      for (let after: Item | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
        const answer = await done(
          client.send(
            new QueryCommand({
              TableName: table,
              ConsistentRead: true,
              KeyConditionExpression: '#relay = :relay AND begins_with(#item, :page)',
              ProjectionExpression: '#item',
              ExpressionAttributeNames: { '#relay': 'relay', '#item': 'item' },
              ExpressionAttributeValues: { ':relay': { S: relay }, ':page': { S: PAGE } },
              ExclusiveStartKey: after,
            }),
          ),
        )
        pages.push(...(answer.Items ?? []).flatMap(({ item }) => item?.S ?? []))
        after = answer.LastEvaluatedKey
      }
      return pages
    },

    begin: (relay, head) =>
      done(
        unlessRefused(
          client.send(
            new PutItemCommand({
              TableName: table,
              Item: { ...keyOf(relay, HEAD), ...attributesOf(head) },
              ConditionExpression: 'attribute_not_exists(#item)',
              ExpressionAttributeNames: { '#item': 'item' },
            }),
          ),
        ),
      ),

    update: (relay, set, expected) =>
      done(
        unlessRefused(
          client.send(
            new UpdateItemCommand({ TableName: table, Key: keyOf(relay, HEAD), ...conditionalUpdate(set, expected) }),
          ),
        ),
      ),

    async writePage(relay, page, content) {
      const item: Item = { ...keyOf(relay, page), content: { B: content } }
      await done(client.send(new PutItemCommand({ TableName: table, Item: item })))
    },

    async deletePage(relay, page) {
      await done(client.send(new DeleteItemCommand({ TableName: table, Key: keyOf(relay, page) })))
    },

    now: () => clock.latest(),
    close: () => client.destroy(),
  }
}

/** Names stand as placeholders: many words are reserved. */
function conditionalUpdate(set: Partial<Head>, expected: Partial<Head>) {
  const names: Record<string, string> = {}
  const values: Item = {}
  const equations = (attributes: Item, prefix: string): string[] =>
    Object.entries(attributes).map(([name, value]) => {
      names[`#${name}`] = name
      values[`:${prefix}${name}`] = value
      return `#${name} = :${prefix}${name}`
    })
  return {
    UpdateExpression: `SET ${equations(attributesOf(set), 'new_').join(', ')}`,
    ConditionExpression: equations(attributesOf(expected), 'old_').join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

async function unlessRefused(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}

function checkTableName(table: string): void {
  if (isTableName(table)) return
  throw new RelayError('CONFIGURATION', `"${table}" is not the name of a DynamoDB table`)
}

const CODES: Readonly<Record<AwsFailure, FailureCode>> = {
  throttled: 'STATE_THROTTLED',
  unreachable: 'STATE_UNREACHABLE',
  denied: 'STATE_DENIED',
  'not found': 'CONFIGURATION',
  'no region': 'CONFIGURATION',
  refused: 'STATE_BROKEN',
}

/** @param where the region, and the address that was asked */
async function failureOf(error: unknown, table: string, where: () => Promise<string>): Promise<RelayError> {
  const place = { 'DynamoDB table': table }
  if (error instanceof RelayError) return error.at(place)
  const kind = classify(error)
  if (kind === 'not found')
    return wrongTable(`There is no DynamoDB table ${table} of this account in ${await where()}`, table)
  if (isOtherKey(error)) return wrongTable(`The DynamoDB table ${table} has other keys than the state needs`, table)
  const rights = kind === 'denied' ? `; ${RIGHTS}` : ''
  return new RelayError(CODES[kind], `${wordsOf(error)}${rights}`, place, causeOf(error))
}

const RIGHTS =
  'the state takes dynamodb:GetItem, Query, PutItem, UpdateItem and DeleteItem on its table, and kms:Decrypt with a key of your own'

function wrongTable(what: string, table: string): RelayError {
  const command = `aws dynamodb create-table --table-name ${table} --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=relay,AttributeType=S AttributeName=item,AttributeType=S --key-schema AttributeName=relay,KeyType=HASH AttributeName=item,KeyType=RANGE`
  return new RelayError(
    'CONFIGURATION',
    `${what}: partition key "relay" and sort key "item", both text. This makes one: ${command}`,
  )
}

/**
 * "The provided key element does not match the schema", "One or more parameter values were invalid: Missing the key id
 * in the item", "Query condition missed key schema element": a ValidationException like any other but for its words.
 */
const isOtherKey = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'ValidationException' &&
  /key element does not match the schema|Missing the key |missed key schema element/.test(error.message)
