import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awsAddress, awsAddressProblems, awsOptionsFor } from '../../src/aws/address.ts'
import type { AwsOptions } from '../../src/aws/client-settings.ts'

const COMMON: AwsOptions = {
  region: 'eu-north-1',
  profile: 'data',
  roleArn: 'arn:aws:iam::1:role/common',
  externalId: 'common',
  endpointUrl: 'http://common',
  env: { AWS_PROFILE: 'other' },
}
const NO_CREDENTIALS = { profile: undefined, roleArn: undefined, externalId: undefined }
const ROLE = 'arn:aws:iam::1:role/own'

const CASES: [parameters: string, expected: Partial<AwsOptions>][] = [
  ['', {}],
  ['?region=eu-west-1', { region: 'eu-west-1' }],
  ['?endpoint-url=https://own:1', { endpointUrl: 'https://own:1' }],
  [`?role-arn=${ROLE}`, { ...NO_CREDENTIALS, roleArn: ROLE }],
  [`?role-arn=${ROLE}&external-id=a%2Bb`, { ...NO_CREDENTIALS, roleArn: ROLE, externalId: 'a+b' }],
  ['?profile=own', { ...NO_CREDENTIALS, profile: 'own' }],
  [
    `?profile=own&role-arn=${ROLE}&region=us-east-1`,
    { ...NO_CREDENTIALS, profile: 'own', roleArn: ROLE, region: 'us-east-1' },
  ],
  ['?role-arn=', NO_CREDENTIALS],
  ['?profile=', NO_CREDENTIALS],
]
for (const [parameters, expected] of CASES) {
  test(`orders${parameters}: ${parameters === '' ? 'all as for all' : 'its own before what is for all'}`, () => {
    const address = awsAddress(`orders${parameters}`)
    assert.equal(address.name, 'orders')
    assert.deepEqual(awsAddressProblems(address), [])
    assert.deepEqual(awsOptionsFor(address, COMMON), { ...COMMON, ...expected })
  })
}
