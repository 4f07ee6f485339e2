/** A call of an action, as programs write it. */
export interface Call {
  /** Where the API is: `https://data.example.org`. */
  site: string
  action: string
  params: object
  /** The header that carries a token; absent where none is needed. */
  tokenHeader?: string
}

/** The same call in each language. The token itself is never written: it is read from the environment. */
export const SNIPPETS: Readonly<Record<string, (call: Call) => string>> = {
  curl: ({ site, action, params, tokenHeader }) =>
    [
      `curl ${quote(`${site}/api/3/action/${action}`)}`,
      ...(tokenHeader ? [`-H "${tokenHeader}: $DATASTORE_TOKEN"`] : []),
      "-H 'Content-Type: application/json'",
      `-d ${quote(JSON.stringify(params))}`,
    ].join(' \\\n  '),

  Python: ({ site, action, params, tokenHeader }) =>
    [
      '# pip install ckanapi',
      ...(tokenHeader ? ['import os'] : []),
      'from ckanapi import RemoteCKAN',
      '',
      `ckan = RemoteCKAN(${python(site)}${tokenHeader ? ", apikey=os.environ['DATASTORE_TOKEN']" : ''})`,
      `result = ckan.call_action(${python(action)}, ${python(params)})`,
      "print(result['records'])",
    ].join('\n'),

  R: ({ site, action, params, tokenHeader }) =>
    [
      '# install.packages(c("httr2", "jsonlite"))',
      'library(httr2)',
      '',
      `answer <- request(${JSON.stringify(`${site}/api/3/action/${action}`)}) |>`,
      ...(tokenHeader ? [`  req_headers(\`${tokenHeader}\` = Sys.getenv("DATASTORE_TOKEN")) |>`] : []),
      `  req_body_raw(r"-----(${JSON.stringify(params)})-----", type = "application/json") |>`,
      '  req_perform() |>',
      '  resp_body_json(simplifyVector = TRUE)',
      'answer$result$records',
    ].join('\n'),

  JavaScript: ({ site, action, params, tokenHeader }) =>
    [
      `const response = await fetch(${JSON.stringify(`${site}/api/3/action/${action}`)}, {`,
      "  method: 'POST',",
      `  headers: { 'Content-Type': 'application/json'${tokenHeader ? `, ${JSON.stringify(tokenHeader)}: process.env.DATASTORE_TOKEN` : ''} },`,
      `  body: JSON.stringify(${JSON.stringify(params, null, 2).replaceAll('\n', '\n  ')}),`,
      '})',
      'const { result } = await response.json()',
      'console.log(result.records)',
    ].join('\n'),
}

/** A word of a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** A value as a literal of Python. */
function python(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${python(item)}`)
  return `{${members.join(', ')}}`
}
