import type { IncomingMessage } from 'node:http'

/**
 * What a request to AWS was signed with: access key, region and service, `AKIA… eu-north-1 kinesis`.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
 */
export function signedBy({ headers }: IncomingMessage): string {
  const [, key, region, service] =
    /Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '') ?? []
  return `${key} ${region} ${service}`
}
