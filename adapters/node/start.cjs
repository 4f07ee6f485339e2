#!/usr/bin/env node
'use strict'

// libuv makes its thread pool for the first task that needs one, and Node loads modules with it: by the time that a
// module's own code runs, the four threads of the default are there. DuckDB's lanes take their full width from 16 on.
process.env.UV_THREADPOOL_SIZE ??= '16'

import('../../dist/main.js')
