/** @type {import('next').NextConfig} */
export default {
  // Its storage engine is a native addon, which no bundler can take in: Node finds it at run time.
  serverExternalPackages: ['ckan-datastore'],
}
