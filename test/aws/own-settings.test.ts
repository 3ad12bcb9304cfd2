import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, type TestContext, test } from 'node:test'
import { signedBy } from '../support/aws-signature.ts'
import { startDynalite } from '../support/dynalite.ts'
import { startKinesisEndpoint } from '../support/kinesis/kinesis-endpoint.ts'
import { runProgram } from '../support/processes/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-aws-'))
after(() => rmSync(folder, { recursive: true }))
const config = join(folder, 'config')
writeFileSync(
  config,
  `[profile data]
region = eu-south-1
aws_access_key_id = AKIADATA
aws_secret_access_key = s3cret
`,
)

const role = (name: string): string => `arn:aws:iam::111122223333:role/${name}`

/** What each service saw: who signed, for which region, and the roles that were asked for. */
interface Seen {
  readonly kinesis: readonly string[]
  readonly dynamodb: readonly string[]
  readonly roles: readonly string[]
}

const CASES: [what: string, source: string, state: string, args: readonly string[], seen: Seen][] = [
  [
    'what is for all is for both',
    'orders',
    'dynamodb:states',
    ['--region', 'eu-north-1', '--role-arn', role('both')],
    { kinesis: ['both eu-north-1 kinesis'], dynamodb: ['both eu-north-1 dynamodb'], roles: ['AKIAENV both'] },
  ],
  [
    'each has a role and a region of its own',
    `orders?region=eu-north-1&role-arn=${role('reader')}`,
    `dynamodb:states?region=eu-central-1&role-arn=${role('keeper')}`,
    [],
    {
      kinesis: ['reader eu-north-1 kinesis'],
      dynamodb: ['keeper eu-central-1 dynamodb'],
      roles: ['AKIAENV reader', 'AKIAENV keeper'],
    },
  ],
  [
    'the role for all is not assumed for the store that says it has none',
    'orders',
    'dynamodb:states?role-arn=',
    ['--region', 'eu-north-1', '--role-arn', role('reader')],
    { kinesis: ['reader eu-north-1 kinesis'], dynamodb: ['AKIAENV eu-north-1 dynamodb'], roles: ['AKIAENV reader'] },
  ],
  [
    'a profile of the store takes the place of the role for all; its region is that of the option',
    'orders',
    'dynamodb:states?profile=data',
    ['--region', 'eu-north-1', '--role-arn', role('reader')],
    { kinesis: ['reader eu-north-1 kinesis'], dynamodb: ['AKIADATA eu-north-1 dynamodb'], roles: ['AKIAENV reader'] },
  ],
  [
    'without a region anywhere else each profile brings its own',
    'orders?region=eu-west-3',
    'dynamodb:states?profile=data',
    [],
    { kinesis: ['AKIAENV eu-west-3 kinesis'], dynamodb: ['AKIADATA eu-south-1 dynamodb'], roles: [] },
  ],
]
for (const [what, source, state, args, expected] of CASES) {
  test(`stream and state store: ${what}`, async (t) => {
    const seen = { kinesis: new Set<string>(), dynamodb: new Set<string>(), roles: new Set<string>() }
    const kinesis = await startKinesisEndpoint()
    t.after(() => kinesis.close())
    kinesis.open(1)
    const dynalite = await startDynalite()
    t.after(() => dynalite.close())
    await dynalite.createTable('states', 'relay', 'item')
    dynalite.script((_, signed) => void seen.dynamodb.add(signed))
    const sts = await startSts(t, seen.roles)
    const withEndpoint = `${source}${source.includes('?') ? '&' : '?'}endpoint-url=${kinesis.url}`
    const sink = ['--sink', `jsonl:${join(folder, `${crypto.randomUUID()}.jsonl`)}`]
    const words = ['run', '--source', withEndpoint, '--state', state, ...sink, '--until-latest', ...args]
    const env = {
      AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint,
      AWS_ENDPOINT_URL_STS: sts,
      AWS_ACCESS_KEY_ID: 'AKIAENV',
      AWS_SECRET_ACCESS_KEY: 's3cret',
      AWS_CONFIG_FILE: config,
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const { code, stderr } = await runProgram(words, { cwd: folder, env })
    assert.equal(code, 0, stderr)
    for (const request of kinesis.requests) seen.kinesis.add(request.signedBy)
    assert.deepEqual(
      { kinesis: [...seen.kinesis], dynamodb: [...seen.dynamodb], roles: [...seen.roles].sort() },
      { ...expected, roles: [...expected.roles].sort() },
    )
  })
}

/** Gives the name of the role as its access key. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
async function startSts(t: TestContext, roles: Set<string>): Promise<string> {
  const server = createServer(async (request, response) => {
    const body = new URLSearchParams(await text(request))
    const name = body.get('RoleArn')!.split('/')[1]!
    roles.add(`${signedBy(request).split(' ')[0]} ${name}`)
    response.writeHead(200, { 'content-type': 'text/xml' })
    response.end(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>${name}</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>token</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>`)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
