'use strict'

// Exit code 0 while the server answers, also that there is nothing at this address: a file of settings may have moved it.
// curl is not in the image.
const { HOST = '', PORT = '8000', BASE_PATH = '' } = process.env
// A server that listens on every address listens on this one.
const host = ['', '0.0.0.0', '::', '[::]'].includes(HOST) ? '127.0.0.1' : HOST.replace(/^\[|\]$/g, '')
const path = `/${BASE_PATH}/health`.replace(/\/+/g, '/')
require('node:http')
  .get({ host, port: PORT, path, timeout: 4000 }, (answer) => {
    process.exit(answer.statusCode < 500 ? 0 : 1)
  })
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
