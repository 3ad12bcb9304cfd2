import * as z from 'zod'
import { RUN_SHAPE } from './run-schema.ts'

/** The only values that an option of `run` takes; null for one that takes others, or is none of `run`. */
export function valuesOf(option: string): readonly string[] | null {
  if (!Object.hasOwn(RUN_SHAPE.shape, option)) return null
  let schema: z.core.$ZodType = RUN_SHAPE.shape[option as keyof typeof RUN_SHAPE.shape]
  while (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    schema = schema.unwrap()
  }
  return schema instanceof z.ZodEnum ? schema.options.map(String) : null
}
