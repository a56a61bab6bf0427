// How the pages talk to the collector: JSON over the session's cookie, problems as one error class. Knows nothing of what
// the pages show.
import { connection } from './connection.svelte';
import type { Page, Text } from './types';

/** What went wrong with a request, in the collector's own words where it gave any. */
export class Problem extends Error {
	constructor(
		/** HTTP status; 0 when no answer came. */
		readonly status: number,
		/** For people, in both languages; null when the answer had none. */
		readonly text: Text | null,
		readonly detail: string
	) {
		super(detail);
	}
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Request {
	query?: Query;
	body?: unknown;
	/** The version that a change is meant for. */
	etag?: string;
	signal?: AbortSignal;
}

const TIMEOUT_MS = 20_000;
const PAGE_LIMIT = 200;
let signedOut: () => void = () => {};

/** What to do when the collector no longer knows the session. */
export function onSignedOut(action: () => void): void {
	signedOut = action;
}

/** One request. Throws [`Problem`] for everything but success, and passes an abort by the caller on. */
export async function request<T>(method: string, path: string, options: Request = {}): Promise<T> {
	const response = await answer(method, path, options);
	connection.heard(response.headers.get('date'));
	if (response.status === 204) return undefined as T;
	const body: unknown = await response.json().catch(() => null);
	if (response.ok) return body as T;
	const problem = asProblem(response.status, body);
	if (response.status === 401 && path !== '/session') signedOut();
	throw problem;
}

/** Rows of a collection, page after page, until there are `want` of them or no more. */
export async function rows<T>(path: string, query: Query, want: number, signal: AbortSignal): Promise<Page<T>> {
	const items: T[] = [];
	let cursor: string | null = null;
	do {
		const limit = Math.min(PAGE_LIMIT, want - items.length);
		const page: Page<T> = await request('GET', path, { query: { ...query, limit, cursor }, signal });
		items.push(...page.items);
		cursor = page.next ?? null;
	} while (cursor !== null && items.length < want);
	return { items, next: cursor };
}

async function answer(method: string, path: string, options: Request): Promise<Response> {
	const headers: Record<string, string> = { accept: 'application/json' };
	if (options.body !== undefined) headers['content-type'] = 'application/json';
	if (options.etag !== undefined) headers['if-match'] = options.etag;
	const controller = new AbortController();
	const abort = () => controller.abort();
	const deadline = setTimeout(abort, TIMEOUT_MS);
	options.signal?.addEventListener('abort', abort);
	try {
		return await fetch(`/api/v1${path}${queryString(options.query)}`, {
			method,
			headers,
			body: options.body === undefined ? undefined : JSON.stringify(options.body),
			credentials: 'same-origin',
			cache: 'no-store',
			signal: controller.signal
		});
	} catch (cause) {
		if (options.signal?.aborted) throw cause;
		connection.lost();
		throw new Problem(0, null, String(cause));
	} finally {
		clearTimeout(deadline);
		options.signal?.removeEventListener('abort', abort);
	}
}

function queryString(query: Query = {}): string {
	const parameters = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
	}
	const text = parameters.toString();
	return text === '' ? '' : `?${text}`;
}

function asProblem(status: number, body: unknown): Problem {
	const fields = (body ?? {}) as { text?: Text; detail?: string; title?: string };
	return new Problem(status, fields.text ?? null, fields.detail ?? fields.title ?? `HTTP ${status}`);
}
