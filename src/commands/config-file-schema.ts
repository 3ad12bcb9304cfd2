import { COUNTS } from './given-options.ts'
import { valuesOf } from './option-values.ts'
import { RUN_OPTIONS, type RunOption } from './run-options.ts'

/** The JSON schema of a YAML file with the options of `run`: what editors complete and check by. https://json-schema.org/draft-07 */
export function configFileSchema(): object {
  const names = (Object.keys(RUN_OPTIONS) as RunOption[]).filter((name) => name !== 'config')
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Options of cdc-relay run',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(names.map((name) => [name, propertyOf(name)])),
  }
}

function propertyOf(name: RunOption): object {
  const option = RUN_OPTIONS[name]
  const { describe: description } = option
  const values = valuesOf(name)
  const given = 'defaultDescription' in option ? { default: option.defaultDescription } : {}
  if (option.type === 'boolean') return { type: 'boolean', description, default: false }
  if ('array' in option) return { type: 'array', items: { type: 'string' }, description }
  if (values !== null) return { enum: values, description, ...given }
  return { type: COUNTS.has(name) ? ['integer', 'string'] : 'string', description, ...given }
}
