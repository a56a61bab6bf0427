import { redirect } from '@sveltejs/kit';
import { resume, session, SIGN_IN } from '$lib/session.svelte';
import { chooseLanguage, rememberedLanguage, loaded } from '$lib/text.svelte';

// A page in the browser and nothing else: the collector serves files and the API, and runs no JavaScript.
export const ssr = false;
export const prerender = false;

export async function load({ url }) {
	if (!loaded()) await chooseLanguage(rememberedLanguage());
	if (url.pathname === SIGN_IN || session.user !== null) return;
	await resume();
	if (session.user === null && session.problem === null) {
		redirect(307, `${SIGN_IN}?next=${encodeURIComponent(url.pathname + url.search)}`);
	}
}
