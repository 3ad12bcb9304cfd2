import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailureCode, RelayError } from '../../../src/errors.ts'
import { failureOf } from '../../../src/ingest/kinesis/failures.ts'
import { retryWaitMs } from '../../../src/retry.ts'

const foreign = (fields: object): Error => Object.assign(new Error('words of the service.'), fields)

const cases: readonly (readonly [FailureCode, object])[] = [
  ['SOURCE_THROTTLED', { name: 'ProvisionedThroughputExceededException' }],
  ['SOURCE_THROTTLED', { name: 'LimitExceededException' }],
  ['SOURCE_THROTTLED', { name: 'KMSThrottlingException' }],
  ['SOURCE_THROTTLED', { name: 'Unknown', $metadata: { httpStatusCode: 429 } }],
  ['SOURCE_UNREACHABLE', { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } }],
  ['SOURCE_UNREACHABLE', { name: 'Unknown', $metadata: { httpStatusCode: 503 } }],
  ['SOURCE_UNREACHABLE', { name: 'ResourceInUseException', $metadata: { httpStatusCode: 400 } }],
  ['SOURCE_UNREACHABLE', { name: 'TimeoutError' }],
  ['SOURCE_UNREACHABLE', { code: 'ECONNRESET' }],
  ['SOURCE_UNREACHABLE', { code: 'ENOTFOUND' }],
  ['SOURCE_UNREACHABLE', { code: 'CERT_HAS_EXPIRED' }],
  ['SOURCE_UNREACHABLE', { name: 'InvalidSignatureException', $metadata: { clockSkewCorrected: true } }],
  ['SOURCE_DENIED', { name: 'InvalidSignatureException', $metadata: { httpStatusCode: 400 } }],
  ['SOURCE_DENIED', { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } }],
  ['SOURCE_DENIED', { name: 'KMSAccessDeniedException' }],
  ['SOURCE_DENIED', { name: 'KMSDisabledException' }],
  ['SOURCE_DENIED', { name: 'KMSInvalidStateException' }],
  ['SOURCE_DENIED', { name: 'KMSNotFoundException' }],
  ['SOURCE_DENIED', { name: 'KMSOptInRequired' }],
  ['SOURCE_DENIED', { name: 'ExpiredTokenException' }],
  ['SOURCE_DENIED', { name: 'CredentialsProviderError' }],
  ['SOURCE_DENIED', { name: 'Unknown', $metadata: { httpStatusCode: 403 } }],
  ['SOURCE_NOT_FOUND', { name: 'ResourceNotFoundException' }],
  ['CONFIGURATION', { message: 'Region is missing' }],
  ['SOURCE_REFUSED', { name: 'InvalidArgumentException', $metadata: { httpStatusCode: 400 } }],
  ['SOURCE_REFUSED', { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }],
  ['SOURCE_REFUSED', { name: 'constructor' }],
]

for (const [code, fields] of cases) {
  test(`${JSON.stringify(fields)} is ${code}`, () => {
    const failure = failureOf(foreign(fields), { stream: 'orders' })
    assert.equal(failure.code, code)
    assert.deepEqual(failure.place, { stream: 'orders' })
  })
}

test('the words of the service are kept, in one line', () => {
  const error = foreign({ name: 'AccessDeniedException', message: 'User: arn:x is not authorized.\nMore.' })
  const failure = failureOf(error, {})
  assert.equal(failure.detail, 'AccessDeniedException: User: arn:x is not authorized')
  assert.equal(failure.cause, error)
})

test('a refused signature is not quoted: what was signed can hold a session token', () => {
  const message =
    "The signature does not match.\n\nThe Canonical String should have been\n'x-amz-security-token:S3CRET'"
  const failure = failureOf(foreign({ name: 'InvalidSignatureException', message }), {})
  assert.doesNotMatch(`${failure.message} ${failure.stack} ${String(failure.cause)}`, /S3CRET/)
})

test('a failure of ours passes, with more of its place', () => {
  const ours = new RelayError('SOURCE_GAP', 'lost', { shard: 'a' })
  const failure = failureOf(ours, { stream: 'orders' })
  assert.equal(failure.code, 'SOURCE_GAP')
  assert.deepEqual(failure.place, { stream: 'orders', shard: 'a' })
})

const bounds: readonly (readonly [FailureCode, number, number, number])[] = [
  ['SOURCE_UNREACHABLE', 1, 200, 400],
  ['SOURCE_UNREACHABLE', 3, 200, 1000],
  ['SOURCE_UNREACHABLE', 5000, 200, 20_200],
  ['SOURCE_THROTTLED', 1, 1000, 2000],
  ['SOURCE_THROTTLED', 2, 1000, 3000],
  ['SOURCE_THROTTLED', 5000, 1000, 10_000],
  ['SOURCE_DENIED', 1, 30_000, 60_000],
  ['SOURCE_DENIED', 5000, 30_000, 300_000],
]

for (const [code, attempt, least, most] of bounds) {
  test(`${code}, attempt ${attempt}: waits ${least} to ${most} ms, not always the same`, () => {
    const waits = Array.from({ length: 500 }, () => retryWaitMs(code, attempt))
    assert.ok(Math.min(...waits) >= least)
    assert.ok(Math.max(...waits) <= most)
    assert.ok(Math.min(...waits) < least + (most - least) / 4)
    assert.ok(Math.max(...waits) > least + ((most - least) * 3) / 4)
  })
}
