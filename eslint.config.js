// What eslint asks of the JavaScript that we ship and of that which tests it.
// Types are `tsc`'s part (`tsconfig.json`); layout is nobody's.

import js from '@eslint/js';
import globals from 'globals';

const tests = '**/*.test.js';

export default [
  // Sites, and what tools write, are data to us.
  { ignores: ['target/', 'examples/', '**/node_modules/', 'tests/sites/', 'tests/fixtures/'] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: 'module' },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    // What is a name there, `tsc` knows better: pages and workers differ, and the generator adds some.
    files: ['crates/generator/runtime/**/*.js'],
    ignores: [tests],
    rules: { 'no-undef': 'off' },
  },
  {
    files: [tests, 'eslint.config.js', 'benches/**/*.{js,mjs}', 'tests/**/*.mjs', 'packages/vite/*.js'],
    languageOptions: { globals: globals.node },
  },
  {
    files: ['packages/client/index.js', 'packages/client/index.test.js', 'packages/vite/dev-worker.js'],
    languageOptions: { globals: { ...globals.browser, ...globals.serviceworker } },
  },
  {
    files: ['benches/*-worker.js'],
    languageOptions: { globals: { ...globals.serviceworker, WAYS: 'readonly', NAMES: 'readonly' } },
  },
];
