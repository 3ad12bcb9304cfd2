import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { refusal, startKinesisEndpoint } from '../support/kinesis/kinesis-endpoint.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-aws-'))
after(() => rmSync(folder, { recursive: true }))

const config = join(folder, 'config')
writeFileSync(
  config,
  `[default]
region = eu-south-1
[profile dev]
region = eu-central-2
[profile lost]
output = json
[profile sso]
region = eu-central-2
sso_session = work
sso_account_id = 111122223333
sso_role_name = reader
[sso-session work]
sso_start_url = https://work.example/start
sso_region = eu-central-1
`,
)
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's3cret' }
const FILES = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none') }

const CASES: [what: string, args: string[], env: Record<string, string>, words: RegExp][] = [
  [
    'no region',
    [],
    { AWS_CONFIG_FILE: join(folder, 'none') },
    /^CONFIGURATION: No AWS region is known: there is no --region, AWS_REGION, AWS_DEFAULT_REGION or a profile with/,
  ],
  ['a profile without region', ['--profile', 'lost'], FILES, /^CONFIGURATION: .*a region in the profile lost/],
  [
    'an unknown profile',
    ['--profile', 'nope'],
    FILES,
    /^CONFIGURATION: There is no AWS profile nope in .*which hold default, dev, lost, sso \(/,
  ],
  [
    'an unknown profile of the environment',
    ['--region', 'eu-north-1'],
    { ...FILES, AWS_PROFILE: 'nope' },
    /no AWS profile nope/,
  ],
  [
    'an unknown profile of the state',
    ['--source', `file:${config}`, '--state', 'dynamodb:states', '--profile', 'nope'],
    FILES,
    /^CONFIGURATION: There is no AWS profile nope .*DynamoDB table states/,
  ],
  [
    'no credentials',
    [],
    { ...FILES, AWS_DEFAULT_REGION: 'eu-west-3' },
    /^AWS_CREDENTIALS: No AWS credentials were found: not in AWS_ACCESS_KEY_ID /,
  ],
  [
    'a profile without credentials',
    ['--profile', 'dev'],
    FILES,
    /^AWS_CREDENTIALS: The AWS profile dev leads to no credentials/,
  ],
  [
    'an endpoint that is no URL',
    [],
    { ...FILES, AWS_ENDPOINT_URL: 'localhost:4567' },
    /^CONFIGURATION: The endpoint of AWS_ENDPOINT_URL is not a URL/,
  ],
  [
    'a region that is no name',
    [],
    { ...FILES, AWS_REGION: 'eu north' },
    /^CONFIGURATION: Region not accepted: region="eu north"/,
  ],
  ['a region that is no name, as an option', ['--region', 'eu north'], FILES, /--region is not the name of a region/],
  [
    'a token file that is not there',
    [],
    { ...FILES, AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'), AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/x' },
    /^AWS_CREDENTIALS: A file of the AWS credentials cannot be read: ENOENT/,
  ],
  ['nobody signed in', ['--profile', 'sso'], FILES, /^AWS_CREDENTIALS: .*aws sso login/],
]
for (const [what, args, env, words] of CASES) {
  test(`${what} is named at once, exit code 2`, async () => {
    const { exitCode, message } = await run([...args], { ...env, HOME: folder })
    assert.equal(exitCode, 2, message)
    assert.match(message, words)
    assert.doesNotMatch(message, / at .*\.js:/)
  })
}

const REFUSALS: [name: string, words: RegExp, message?: string][] = [
  [
    'InvalidSignatureException',
    /^AWS_CREDENTIALS: AWS takes the requests for too old or too new/,
    'Signature expired: then',
  ],
  ['ExpiredTokenException', /^AWS_CREDENTIALS: The AWS token is expired \(/],
  ['UnrecognizedClientException', /^AWS_CREDENTIALS: AWS does not know the access key/],
  ['InvalidSignatureException', /^AWS_CREDENTIALS: The AWS secret key is not the one of the access key/],
  ['AccessDeniedException', /^SOURCE_DENIED: AccessDeniedException: words of AWS/],
]
for (const [name, words, said = 'words of AWS'] of REFUSALS) {
  test(`${name}, ${said}: says what is wrong with the keys, exit code 2`, async (t) => {
    const kinesis = await startKinesisEndpoint()
    t.after(() => kinesis.close())
    kinesis.script('DescribeStreamSummary', () => refusal(name, said))
    const { exitCode, message } = await run(['--endpoint-url', kinesis.url], KEYS)
    assert.equal(exitCode, 2, message)
    assert.match(message, words)
  })
}

test('a stream that is not there: region, account and address of where it was looked for', async (t) => {
  const kinesis = await startKinesisEndpoint()
  t.after(() => kinesis.close())
  const args = ['--source', 'boats', '--endpoint-url', kinesis.url]
  const byName = await run(args, { ...KEYS, AWS_DEFAULT_REGION: 'eu-west-3' })
  assert.equal(byName.exitCode, 2, byName.message)
  const where = `region eu-west-3, endpoint ${kinesis.url}, account 123456789012`
  assert.ok(byName.message.startsWith('SOURCE_NOT_FOUND: '), byName.message)
  for (const part of ['stream boats', ...where.split(', ')]) assert.ok(byName.message.includes(part), byName.message)
})

async function run(args: string[], env: Record<string, string>): Promise<{ exitCode: number; message: string }> {
  const source = args.includes('--source') ? [] : ['--source', 'orders']
  const { exitCode, stderr } = await runProgramAgain(
    ['run', '--sink', `jsonl:${join(folder, 'out')}`, ...source, ...args],
    { cwd: folder, env: { HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...env } },
  )
  const last = stderr.trimEnd().split('\n').at(-1)!
  return { exitCode, message: (JSON.parse(last) as { msg: string }).msg }
}
