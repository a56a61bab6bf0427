// Every text that a page asks for exists, and no text stands there for nothing.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FluentBundle, FluentResource } from '@fluent/bundle';
import { runnerImport } from 'vite';

const here = new URL('..', import.meta.url);
const ftl = (language) => readFileSync(new URL(`../locales/${language}/ui.ftl`, here), 'utf8');
const keys = (language) => new FluentResource(ftl(language)).body.map((message) => message.id).sort();
const sources = readdirSync(new URL('src', here), { recursive: true })
	.filter((name) => /\.(svelte|ts)$/.test(name))
	.map((name) => readFileSync(new URL(`src/${name}`, here), 'utf8'))
	.join('\n');

test('every text that is asked for by name exists', () => {
	const known = new Set(keys('vi'));
	const asked = [...sources.matchAll(/\bt\(\s*'([a-z-]+)'/g)].map((match) => match[1]);
	assert.ok(asked.length > 100);
	assert.deepEqual(asked.filter((key) => !known.has(key)), []);
});

test('no text stands there for nothing', () => {
	// Words of the API are asked for by prefix: word('verdict', ..).
	const prefixes = [...sources.matchAll(/\bword\('([a-z-]+)'/g)].map((match) => `${match[1]}-`);
	const looks = ['asset-state-', 'severity-', 'alert-state-', 'order-state-', 'verdict-', 'outcome-', 'component-state-', 'agent-state-'];
	const known = [...prefixes, ...looks, 'direction-'];
	const unused = keys('vi').filter(
		(key) => !sources.includes(`'${key}'`) && !known.some((prefix) => key.startsWith(prefix))
	);
	assert.deepEqual(unused, []);
});

test('every state that has a look has words in both languages', async () => {
	const { module } = await runnerImport(new URL('src/lib/looks.ts', here).pathname, { configFile: false });
	for (const language of ['vi', 'en']) {
		const known = new Set(keys(language));
		for (const [of, states] of Object.entries(module.looks)) {
			for (const state of Object.keys(states)) {
				assert.ok(known.has(`${of}-${state.replaceAll('_', '-')}`), `${language}: ${of} ${state}`);
			}
		}
	}
});

test('every text can be shown', () => {
	for (const language of ['vi', 'en']) {
		const bundle = new FluentBundle(language);
		assert.deepEqual(bundle.addResource(new FluentResource(ftl(language))), []);
		const values = Object.fromEntries([...ftl(language).matchAll(/\$([a-z]+)/g)].map((match) => [match[1], 2]));
		for (const key of keys(language)) {
			const problems = [];
			const text = bundle.formatPattern(bundle.getMessage(key).value, values, problems);
			assert.deepEqual([key, problems], [key, []]);
			assert.ok(text.length > 0);
		}
	}
});
