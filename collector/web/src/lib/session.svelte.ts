// Who is signed in. The session itself is a cookie that scripts cannot read; this keeps what the collector says of it.
import { goto } from '$app/navigation';
import { page } from '$app/state';
import { onSignedOut, Problem, request } from './api';
import { preferLanguage } from './text.svelte';
import type { Session, User } from './types';

export const SIGN_IN = '/signin';

class Signed {
	user = $state.raw<User | null>(null);
	/** Why it is unknown whether somebody is signed in; null when it is known. */
	problem = $state.raw<Problem | null>(null);

	/** Whether this account may change things. The collector decides again on each request. */
	get mayChange(): boolean {
		return this.user !== null && this.user.role !== 'viewer';
	}
}

export const session = new Signed();

/** Asks the collector who this browser is signed in as. */
export async function resume(): Promise<void> {
	try {
		await took(await request<Session>('GET', '/session'));
	} catch (cause) {
		if (!(cause instanceof Problem)) throw cause;
		session.user = null;
		session.problem = cause.status === 401 ? null : cause;
	}
}

/** Signs in; throws the collector's answer when it refuses. */
export async function signIn(name: string, password: string): Promise<void> {
	await took(await request<Session>('POST', '/session', { body: { name, password } }));
}

/** Ends the session here and at the collector. */
export async function signOut(): Promise<void> {
	await request('DELETE', '/session').catch(() => undefined);
	session.user = null;
	await goto(SIGN_IN);
}

/** Where to go after signing in: the page that was asked for, if it is one of ours. */
export function pageAfterSignIn(next: string | null): string {
	return next !== null && next.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/';
}

async function took(answer: Session): Promise<void> {
	session.user = answer.user;
	session.problem = null;
	await preferLanguage(answer.user.language);
}

onSignedOut(() => {
	session.user = null;
	if (page.url.pathname === SIGN_IN) return;
	const next = encodeURIComponent(page.url.pathname + page.url.search);
	void goto(`${SIGN_IN}?ended=1&next=${next}`);
});
