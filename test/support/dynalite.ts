import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { signedBy } from './aws-signature.ts'

const dynalite = createRequire(import.meta.url)('dynalite') as (options: Readonly<Record<string, number>>) => Server

export type Item = Record<string, AttributeValue>

/**
 * What goes wrong with a request: it never arrives, it is done but its answer is lost, or it is refused with the name of
 * an error.
 */
export type Fault = 'cut' | 'lose answer' | { readonly status: number; readonly name: string }

/** Looks at each request before it is served; `operation` is `PutItem` and so on, `signedBy` key, region and service. */
export type Script = (operation: string, signedBy: string) => Fault | undefined

/**
 * A DynamoDB emulator in this process. It knows no transactions, no ARNs, no throttling, and no other account; reads are
 * always consistent.
 */
export interface Dynalite {
  readonly endpoint: string
  createTable(table: string, partitionKey: string, sortKey: string): Promise<void>
  items(table: string): Promise<Item[]>
  put(table: string, item: Item): Promise<void>
  remove(table: string, key: Item): Promise<void>
  /** In force until it is replaced; undefined: nothing goes wrong. */
  script(script: Script | undefined): void
  close(): Promise<void>
}

export async function startDynalite(): Promise<Dynalite> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  let script: Script | undefined
  scriptable(server, (operation, signed) => script?.(operation, signed))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: new NodeHttpHandler(),
  })

  return {
    endpoint,
    async createTable(table, partitionKey, sortKey) {
      await client.send(
        new CreateTableCommand({
          TableName: table,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [partitionKey, sortKey].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
          KeySchema: [
            { AttributeName: partitionKey, KeyType: 'HASH' },
            { AttributeName: sortKey, KeyType: 'RANGE' },
          ],
        }),
      )
      // It is there a moment after the answer.
      for (let status: string | undefined; status !== 'ACTIVE'; ) {
        const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
        status = Table?.TableStatus
      }
    },
    async items(table) {
      const items: Item[] = []
      for (let after: Item | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
        const page = await client.send(new ScanCommand({ TableName: table, ExclusiveStartKey: after }))
        items.push(...(page.Items ?? []))
        after = page.LastEvaluatedKey
      }
      return items
    },
    async put(table, item) {
      await client.send(new PutItemCommand({ TableName: table, Item: item }))
    },
    async remove(table, key) {
      await client.send(new DeleteItemCommand({ TableName: table, Key: key }))
    },
    script(next) {
      script = next
    },
    async close() {
      client.destroy()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Puts the script between the network and the emulator's own listener. */
function scriptable(server: Server, script: Script): void {
  const [serve] = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[]
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const fault = script(String(request.headers['x-amz-target']).split('.')[1] ?? '', signedBy(request))
    if (fault === 'cut') {
      request.socket.destroy()
      return
    }
    if (typeof fault === 'object') {
      request.resume()
      response.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.0' })
      response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${fault.name}`, message: 'scripted' }))
      return
    }
    if (fault === 'lose answer') {
      response.end = () => {
        request.socket.destroy()
        return response
      }
    }
    serve!(request, response)
  })
}
