/**
 * A line of `name=value` pairs: values with spaces, quotes or `=` in double quotes, escaped as in JSON; lists and objects as JSON.
 * https://brandur.org/logfmt
 */
export const logfmtLine = (fields: Readonly<Record<string, unknown>>): string =>
  `${Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.replaceAll(/[\s="]/g, '_')}=${valueText(value)}`)
    .join(' ')}\n`

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text)
}
