import { decodeField, type MultipartError, make, type PartInfo } from 'multipasta'
import { BadRequest, UnsupportedMediaType } from '../core/errors.ts'
import type { RawParams } from '../schemas/read-params.ts'
import type { Upload } from '../services/load/index.ts'
import type { Context } from './context.ts'
import { fromClient } from './pace.ts'

const MAX_FIELD_BYTES = 1024 * 1024

/**
 * A request whose body is a file: the parameters of its address, and of a form whatever stands before the file. The
 * file itself is left to be read.
 *
 * @throws BadRequest when there is no file, or a parameter stands twice; UnsupportedMediaType for a file packed
 * otherwise than with gzip; RequestTimeout, as the file's own stream, when the client stalls.
 */
export async function readUpload({ request, url }: Context): Promise<{ raw: RawParams; upload: Upload }> {
  const query = Object.fromEntries(url.searchParams)
  const twice = [...url.searchParams.keys()].find((name) => url.searchParams.getAll(name).length > 1)
  if (twice !== undefined) throw new BadRequest(`${twice} is given twice`)
  const packed = request.headers.get('content-encoding')
  if (packed !== null && !['gzip', 'x-gzip', 'identity'].includes(packed.trim().toLowerCase()))
    throw new UnsupportedMediaType(`A file may be packed with gzip, and not with ${packed}.`)
  const contentType = request.headers.get('content-type') ?? ''
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (!request.body) throw new BadRequest('the file is missing: it is the body of the request')
  const body = fromClient(request.body)
  if (mediaType === 'multipart/form-data') {
    const { fields, upload } = await readForm(body, contentType)
    return { raw: { ...fields, ...query }, upload }
  }
  const length = request.headers.get('content-length')
  return {
    raw: query,
    upload: {
      body,
      mediaType,
      ...(length !== null && /^\d+$/.test(length) && { length: Number(length) }),
    },
  }
}

interface Form {
  fields: RawParams
  upload: Upload
}

async function readForm(body: ReadableStream<Uint8Array>, contentType: string): Promise<Form> {
  const reader = body.getReader()
  const fields: RawParams = {}
  const chunks: Uint8Array[] = []
  let info: PartInfo | undefined
  let isFileWhole = false
  let ended = false
  let failure: BadRequest | undefined
  const parser = make({
    headers: { 'content-type': contentType },
    maxFieldSize: MAX_FIELD_BYTES,
    maxPartSize: Number.POSITIVE_INFINITY,
    maxTotalSize: Number.POSITIVE_INFINITY,
    isFile: ({ name, filename }) => filename !== undefined || name === 'file' || name === 'upload',
    onField: (part, value) => {
      if (info) failure ??= new BadRequest(`the field "${part.name}" comes behind the file: parameters go before it`)
      fields[part.name] = decodeField(part, value)
    },
    onFile: (part) => {
      if (info) failure ??= new BadRequest('there is more than one file')
      info = part
      return (chunk) => {
        if (chunk === null) isFileWhole = true
        else chunks.push(chunk.slice())
      }
    },
    onError: (error) => {
      failure ??= new BadRequest(`JSON Error: the multipart form could not be read (${reasonOf(error)})`)
    },
    onDone: () => {
      ended = true
    },
  })
  const step = async () => {
    const { done, value } = await reader.read()
    if (done) parser.end()
    else parser.write(value)
    ended ||= done
    if (failure) {
      reader.cancel(failure).catch(() => {})
      throw failure
    }
  }
  while (!info && !ended) await step()
  if (!info) throw new BadRequest('the file is missing from the form')
  const file = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (chunks.length === 0 && !ended) await step()
        const chunk = chunks.shift()
        if (chunk) controller.enqueue(chunk)
        else if (isFileWhole) controller.close()
        else throw new BadRequest('The request ended before its file did')
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return { fields, upload: { body: file, name: info.filename, mediaType: info.contentType } }
}

function reasonOf(error: MultipartError): string {
  return error._tag === 'ReachedLimit' ? error.limit : error._tag
}
