/** Where `npm run test:gguf` has installed the library. @throws Error that says how to run these specs */
export function installedLibrary(): string {
  const folder = process.env['MILLRACE_TEST_LLAMA'];
  if (folder === undefined)
    throw new Error('These specs need node-llama-cpp: npm run test:gguf installs it and runs them.');
  return folder;
}
