import { inferred, late, refused, shapes } from './files.ts'
import { filesSuite } from './files-suite.ts'
import { openTarget } from './open.ts'

filesSuite(() => openTarget(), {
  taken: {
    'types are found in the whole file, and nothing is lost': [...inferred, ...late],
    'files of all shapes': shapes,
  },
  refused,
})
