import { NotFound } from '../../core/errors.ts'
import type { HelpShowParams } from '../../schemas/help-show.ts'
import type { Answer, Operation } from '../operation.ts'

/** help_show: what an action does and takes (contract §1.8). */
export function helpShow({ name }: HelpShowParams, operations: readonly Operation[]): Answer {
  const operation = operations.find((row) => row.name === name)
  if (!operation) throw new NotFound('Action function not found')
  return { result: [operation.summary, ...parameters(operation)].join('\n') }
}

function parameters({ params }: Operation): string[] {
  const lines = Object.entries(params.properties).map(([name, { description = '' }]) => {
    const required = params.required?.includes(name) ? ' (required)' : ''
    return `- ${name}${required}: ${description}`
  })
  return lines.length === 0 ? [] : ['', 'Parameters:', ...lines]
}
