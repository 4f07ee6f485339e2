import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Operation, pathTemplate } from '../../api/operation.ts'
import { operations } from '../../api/routes.ts'
import type { Output } from '../output.ts'
import { type Example, readExamples } from './examples.ts'
import { ERROR_SCHEMA, failureComponents } from './failures.ts'
import { pathItem, schemasOf, TAGS } from './operation.ts'
import type { JsonSchema } from './schema.ts'

/** Where the document is kept: served, and read by programs that make clients. */
export const OPENAPI = 'openapi.json'

const DESCRIPTION = `The tabular data API behind open-data portals: CKAN's DataStore, as an action API.

Actions are called by name under \`/api/3/action/\` (or \`/api/action/\`): by POST with a JSON body, and those that read
also by GET. An answer is an envelope: \`{"help", "success": true, "result"}\`, or \`{"help", "success": false, "error"}\`
with \`error.__type\`, \`error.message\` and a key for each parameter that is wrong. \`warnings\` beside the result say what
was done otherwise than asked.

Rows are counted from 0. Numbers have all of their digits: read them with a parser that keeps them where that matters.`

/** Writes the API's description from the operation table, the schemas of its rows, and the examples. */
export function openapiDocument(root: string): Output[] {
  return [{ path: OPENAPI, text: `${JSON.stringify(describeApi(root), null, 2)}\n` }]
}

/** The OpenAPI 3.1 document of this version of the API. */
export function describeApi(root: string): JsonSchema {
  const examples = readExamples(root)
  const described = operations.filter(({ internal }) => !internal)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Datastore API',
      version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:8000' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(described.map((row) => [pathTemplate(row), pathItem(row, examplesOf(row, examples))])),
    components: {
      securitySchemes: {
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'The token, with or without `Bearer`. Not asked for where everybody may do everything.',
        },
      },
      schemas: { Error: ERROR_SCHEMA, ...Object.assign({}, ...described.map(schemasOf)) },
      responses: failureComponents(),
    },
  }
}

function examplesOf({ name }: Operation, examples: readonly Example[]): Example[] {
  return examples.filter(({ operation }) => operation === name)
}
