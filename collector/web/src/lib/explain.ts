// What to tell a person about a failed request: the collector's own words first, then words for what the browser met.
import type { Problem } from './api';
import { said, t } from './text.svelte';

export function explain(problem: Problem): string {
	if (problem.text !== null) return said(problem.text);
	switch (problem.status) {
		case 0:
			return t('problem-unreachable');
		case 401:
			return t('problem-signed-out');
		case 403:
			return t('problem-forbidden');
		case 404:
			return t('problem-not-found');
		case 412:
		case 428:
			return t('problem-changed-meanwhile');
		case 429:
			return t('problem-too-often');
		default:
			return t('problem-other', { status: String(problem.status), detail: problem.detail });
	}
}
