/** docs/architecture.md: imports go down only. lifecycle <- formats <- records, store, github, data, ml <- actions, app, runners. */
const layer = (path) => `^${path}/`;
const only = (name, from, allowedPaths, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^(lib|app|actions|runners|test|scripts|templates)/', pathNot: allowedPaths },
});
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '@tensorflow/tfjs-node' } },
    only('lifecycle-is-pure', layer('lib/lifecycle'), [layer('lib/lifecycle')], 'lib/lifecycle imports zod and itself'),
    {
      name: 'lifecycle-imports-zod-only',
      severity: 'error',
      from: { path: '^lib/lifecycle/' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: 'node_modules/zod/' },
    },
    only('formats-imports-lifecycle', layer('lib/formats'), [layer('lib/formats'), layer('lib/lifecycle')]),
    {
      name: 'formats-has-no-fs',
      severity: 'error',
      from: { path: '^lib/formats/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    only('store-imports-down', layer('lib/store'), [layer('lib/store'), layer('lib/formats'), layer('lib/lifecycle')]),
    only('process-imports-itself', layer('lib/process'), [layer('lib/process')]),
    only('github-imports-down', layer('lib/github'), [layer('lib/github'), layer('lib/formats'), layer('lib/lifecycle')]),
    only('records-imports-down', layer('lib/records'), [layer('lib/records'), layer('lib/formats'), layer('lib/lifecycle')]),
    only('data-imports-down', layer('lib/data'), [layer('lib/data'), layer('lib/store'), layer('lib/formats'), layer('lib/lifecycle')]),
    only('ml-imports-down', layer('lib/ml'), [layer('lib/ml'), layer('lib/data'), layer('lib/process'), layer('lib/store'), layer('lib/formats'), layer('lib/lifecycle')]),
    {
      name: 'app-stays-light',
      comment: 'the control plane never reaches data, ml, actions or @actions/*',
      severity: 'error',
      from: { path: '^app/' },
      to: { path: '^(lib/(data|ml)|actions|runners|test)/|node_modules/(@actions|onnxruntime-node|@tensorflow|@duckdb)/' },
    },
    { name: 'actions-never-reach-app', severity: 'error', from: { path: '^actions/' }, to: { path: '^(app|test)/' } },
    {
      name: 'actions-never-reach-each-other',
      severity: 'error',
      from: { path: '^actions/([^/]+)/', pathNot: '^actions/kit/' },
      to: { path: '^actions/([^/]+)/', pathNot: ['^actions/$1/', '^actions/kit/'] },
    },
    {
      name: 'actions-never-reach-runners',
      comment: 'only the composition root starts runners, and as child processes',
      severity: 'error',
      from: { path: '^actions/', pathNot: '^actions/cli\\.ts$' },
      to: { path: '^runners/' },
    },
    { name: 'nothing-imports-the-cli', severity: 'error', from: { pathNot: '^(test|scripts)/' }, to: { path: '^actions/cli\\.ts$' } },
    { name: 'nothing-imports-test', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
    {
      name: 'local-github-never-imports-the-client',
      comment: 'one mistake is not made twice alike',
      severity: 'error',
      from: { path: '^runners/local/' },
      to: { path: '^lib/github/' },
    },
    {
      name: 'ml-runtimes-live-in-lib-ml',
      severity: 'error',
      from: { path: '^(lib|app|actions|runners)/', pathNot: '^lib/ml/' },
      to: { path: 'node_modules/(onnxruntime-node|onnx-proto|@tensorflow)/' },
    },
    {
      name: 'duckdb-lives-in-lib-data',
      severity: 'error',
      from: { path: '^(lib|app|actions|runners)/', pathNot: '^lib/data/' },
      to: { path: 'node_modules/@duckdb/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
