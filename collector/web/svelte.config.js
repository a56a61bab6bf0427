import { createHash } from 'node:crypto';
import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

// SvelteKit's page announcer, which screen readers hear, is hidden by this one inline style; the policy names it by its
// hash, so that every other inline style stays refused.
const ANNOUNCER_STYLE =
	'position: absolute; left: 0; top: 0; clip: rect(0 0 0 0); clip-path: inset(50%); overflow: hidden; white-space: nowrap; width: 1px; height: 1px';
const announcerHash = createHash('sha256').update(ANNOUNCER_STYLE).digest('base64');

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	kit: {
		// One page for every address: the collector answers page addresses with index.html, and the pages ask the API.
		adapter: adapter({ pages: 'build/site', assets: 'build/site', fallback: 'index.html', precompress: true }),
		csp: {
			mode: 'hash',
			directives: {
				'default-src': ['none'],
				'script-src': ['self'],
				'style-src': ['self'],
				'style-src-attr': ['unsafe-hashes', `sha256-${announcerHash}`],
				'img-src': ['self', 'data:'],
				'font-src': ['self'],
				'connect-src': ['self'],
				'base-uri': ['none'],
				'form-action': ['self']
			}
		},
		// The same sources give the same bytes; build.rs passes the digest of what it builds.
		version: { name: process.env.TRAM_WEB_INPUTS ?? 'development' }
	}
};
