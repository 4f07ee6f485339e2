#!/bin/sh
# Installs what the service runs with, in the versions that the lock file names: its dependencies, and the optional ones
# of every engine and store. Changes the package.json beside it: for a folder that is thrown away.
set -eu
node -e "
  const { readFileSync, writeFileSync } = require('node:fs')
  const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
  const { packages } = read('package-lock.json')
  const { peerDependencies, peerDependenciesMeta, devDependencies, scripts, ...manifest } = read('package.json')
  for (const name of Object.keys(peerDependencies)) {
    manifest.dependencies[name] = packages['node_modules/' + name].version
  }
  writeFileSync('package.json', JSON.stringify(manifest))
"
npm install --ignore-scripts --no-audit --no-fund
