import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, beforeEach, test } from 'node:test'
import type { RelayError } from '../../../src/errors.ts'
import { openSource } from '../../../src/ingest/by-url.ts'
import { type ClientOptions, connect } from '../../../src/ingest/kinesis/client.ts'
import { kinesisSource } from '../../../src/ingest/kinesis/source.ts'
import { streamNameOf } from '../../../src/ingest/kinesis/stream-name.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { UNHEARD } from '../../../src/retry.ts'

const ARN = 'arn:aws:kinesis:eu-central-1:123456789012:stream/orders'
const HTTP = 'http://127.0.0.1:4567'

// The machine's own configuration must not decide the outcome.
const outside = { ...process.env }
const folder = await mkdtemp(join(tmpdir(), 'aws-'))
after(() => rm(folder, { recursive: true }))
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  process.env.AWS_CONFIG_FILE = join(folder, 'config')
  process.env.AWS_SHARED_CREDENTIALS_FILE = join(folder, 'credentials')
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
})
afterEach(() => {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, outside)
})

async function settingsOf(options: ClientOptions) {
  const { client, isPlainHttp } = connect({ ...options, env: process.env })
  const [region, credentials] = [await client.config.region(), await client.config.credentials()]
  return { region, accessKeyId: credentials.accessKeyId, isPlainHttp: await isPlainHttp() }
}

test('the time between two reads reaches the stream, as an option of the program and of the library', async () => {
  const settings = { source: 'orders', untilLatest: false, onGap: 'stop', memory: 1 } as const
  const surroundings = { aws: { endpointUrl: HTTP }, log: SILENT, observer: UNHEARD }
  const refused = { code: 'CONFIGURATION', message: /pollIntervalMs is less than 200ms/ }
  await assert.rejects(openSource({ ...settings, pollInterval: 199 }, surroundings), refused)
  assert.throws(() => kinesisSource({ stream: 'orders', endpointUrl: HTTP, pollIntervalMs: 199 }), refused)
  await (await openSource({ ...settings, pollInterval: 200 }, surroundings)).close()
})

test('a stream by name, and by ARN', () => {
  assert.deepEqual(streamNameOf('a_b.C-1'), { name: 'a_b.C-1', arn: null })
  assert.deepEqual(streamNameOf(ARN), { name: 'orders', arn: ARN })
  assert.equal(streamNameOf(ARN.replace('aws', 'aws-cn')).name, 'orders')
})

for (const wrong of [
  '',
  'a b',
  'arn:aws:s3:::bucket',
  `${ARN}/consumer/app:1`,
  ARN.replace('123456789012', ''),
  'x'.repeat(129),
]) {
  test(`"${wrong.slice(0, 60)}" is no stream`, () => {
    assert.throws(() => streamNameOf(wrong), { code: 'CONFIGURATION' })
  })
}

test('the region: the option, else the ARN, else the environment', async () => {
  process.env.AWS_REGION = 'us-west-2'
  process.env.AWS_ACCESS_KEY_ID = 'AKIA'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  assert.equal((await settingsOf({ stream: 'orders', region: 'eu-west-1' })).region, 'eu-west-1')
  assert.equal((await settingsOf({ stream: ARN })).region, 'eu-central-1')
  assert.equal((await settingsOf({ stream: 'orders' })).region, 'us-west-2')
})

test('AWS_DEFAULT_REGION counts behind AWS_REGION and before the profile, also for a role', async () => {
  process.env.AWS_CONFIG_FILE = join(folder, 'config-of-default-region')
  await writeFile(process.env.AWS_CONFIG_FILE, '[default]\nregion = eu-south-1\n')
  process.env.AWS_ACCESS_KEY_ID = 'AKIA'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  const region = async () => (await settingsOf({ stream: 'orders' })).region
  assert.equal(await region(), 'eu-south-1')
  process.env.AWS_DEFAULT_REGION = 'eu-west-3'
  assert.equal(await region(), 'eu-west-3')
  process.env.AWS_REGION = 'us-west-2'
  assert.equal(await region(), 'us-west-2')
  process.env.AWS_REGION = ''
  assert.equal(await region(), 'eu-west-3')
})

test('a region that is not the one of the ARN is refused, with both named', () => {
  assert.throws(
    () => connect({ stream: ARN, region: 'us-east-1' }),
    (error: RelayError) => error.code === 'CONFIGURATION' && /eu-central-1.*us-east-1/.test(error.detail),
  )
  assert.ok(connect({ stream: ARN, region: 'eu-central-1' }))
})

for (const endpointUrl of ['localhost:4567', 'ftp://localhost', '']) {
  test(`the endpoint "${endpointUrl}" is refused`, () => {
    assert.throws(() => connect({ stream: 'orders', endpointUrl }), { code: 'CONFIGURATION' })
  })
}

test('a plain http endpoint needs no region and no credentials', async () => {
  const dummies = { region: 'us-east-1', accessKeyId: 'emulator', isPlainHttp: true }
  assert.deepEqual(await settingsOf({ stream: 'orders', endpointUrl: HTTP }), dummies)
  process.env.AWS_ENDPOINT_URL = HTTP
  assert.deepEqual(await settingsOf({ stream: 'orders' }), dummies)
  process.env.AWS_ENDPOINT_URL = 'https://example.com'
  process.env.AWS_ENDPOINT_URL_KINESIS = HTTP
  assert.deepEqual(await settingsOf({ stream: 'orders' }), dummies)
})

test('a plain http endpoint takes what is configured', async () => {
  process.env.AWS_REGION = 'us-west-2'
  process.env.AWS_ACCESS_KEY_ID = 'AKIA'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  const found = await settingsOf({ stream: 'orders', endpointUrl: HTTP })
  assert.deepEqual(found, { region: 'us-west-2', accessKeyId: 'AKIA', isPlainHttp: true })
})

test('a profile, with its region and keys, on http and https', async () => {
  // Not the files of the other tests: the SDK has read those, and keeps what it read.
  process.env.AWS_CONFIG_FILE = join(folder, 'config-of-work')
  process.env.AWS_SHARED_CREDENTIALS_FILE = join(folder, 'credentials-of-work')
  await writeFile(process.env.AWS_CONFIG_FILE, '[profile work]\nregion = eu-north-1\n')
  await writeFile(
    process.env.AWS_SHARED_CREDENTIALS_FILE,
    '[work]\naws_access_key_id = WORK\naws_secret_access_key = secret\n',
  )
  for (const endpointUrl of [HTTP, 'https://example.com']) {
    const { region, accessKeyId } = await settingsOf({ stream: 'orders', profile: 'work', endpointUrl })
    assert.deepEqual({ region, accessKeyId }, { region: 'eu-north-1', accessKeyId: 'WORK' })
  }
})

test('a role, with its external id, is assumed with the keys that are found', async () => {
  process.env.AWS_ACCESS_KEY_ID = 'AKIA'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  let asked = new URLSearchParams()
  const sts = createServer(async (request, response) => {
    asked = new URLSearchParams(await text(request))
    const keys =
      '<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>'
    response.end(
      `<AssumeRoleResponse><AssumeRoleResult><Credentials>${keys}</Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    )
  }).listen(0, '127.0.0.1')
  await once(sts, 'listening')
  process.env.AWS_ENDPOINT_URL_STS = `http://127.0.0.1:${(sts.address() as AddressInfo).port}`
  const roleArn = 'arn:aws:iam::123456789012:role/reader'
  process.env.AWS_DEFAULT_REGION = 'eu-west-3'
  try {
    const found = await settingsOf({ stream: ARN, roleArn, externalId: 'outside' })
    assert.deepEqual(found, { region: 'eu-central-1', accessKeyId: 'ROLE', isPlainHttp: false })
    assert.equal(asked.get('Action'), 'AssumeRole')
    assert.equal(asked.get('RoleArn'), roleArn)
    assert.equal(asked.get('ExternalId'), 'outside')
    assert.equal((await settingsOf({ stream: 'orders', roleArn })).accessKeyId, 'ROLE')
  } finally {
    sts.closeAllConnections()
    sts.close()
  }
})

test('a profile that does not exist is not replaced by dummies', async () => {
  await assert.rejects(settingsOf({ stream: 'orders', profile: 'nobody', endpointUrl: HTTP }), {
    name: 'CredentialsProviderError',
  })
})

test('without an endpoint nothing is made up', async () => {
  await assert.rejects(settingsOf({ stream: 'orders' }), /Region is missing/)
  await assert.rejects(settingsOf({ stream: ARN }), { name: 'CredentialsProviderError' })
})
