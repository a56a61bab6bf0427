import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

/** Where a collector listens while these pages are worked on. Node trusts its CA by `NODE_EXTRA_CA_CERTS=ca.pem`. */
const collector = process.env.TRAM_URL ?? 'https://localhost:8440';

export default defineConfig({
	plugins: [sveltekit()],
	// Chrome 109 and Firefox 115 are the last that run on Windows 7, which offices still have.
	build: { target: ['chrome109', 'firefox115', 'safari16'] },
	server: {
		// The texts are shared with the collector, beside this directory.
		fs: { allow: ['../locales'] },
		// The collector changes nothing for a page of another origin.
		proxy: { '/api': { target: collector, changeOrigin: true, headers: { origin: collector } } }
	}
});
