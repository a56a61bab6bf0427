// Keeps what a page shows fresh: asks again every fifteen seconds, or as often as the caller says, while the page is looked at, keeps what it has when an
// answer fails, and stops with the page.
import { untrack } from 'svelte';
import { Problem } from './api';

const PERIOD_MS = 15_000;

export class Live<T> {
	/** The last good answer; null until there is one. */
	data = $state.raw<T | null>(null);
	/** Why the newest attempt failed; null when it did not. */
	problem = $state.raw<Problem | null>(null);
	/** Asks at once. */
	refresh: () => Promise<void> = async () => {};
}

/**
 * Starts keeping `load`'s answer fresh; call it while a component is set up. What `load` reads before its first `await`
 * is watched: when that changes, it asks again at once.
 */
export function live<T>(load: (signal: AbortSignal) => Promise<T>, periodMs = PERIOD_MS): Live<T> {
	const kept = new Live<T>();
	$effect(() => {
		const controller = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;

		const settle = async (answer: Promise<T>) => {
			try {
				const data = await answer;
				if (controller.signal.aborted) return;
				kept.data = data;
				kept.problem = null;
			} catch (cause) {
				if (controller.signal.aborted) return;
				kept.problem = cause instanceof Problem ? cause : new Problem(0, null, String(cause));
			}
		};
		const again = async () => {
			clearTimeout(timer);
			if (document.visibilityState === 'visible') await settle(load(controller.signal));
			plan();
		};
		const plan = () => {
			clearTimeout(timer);
			if (!controller.signal.aborted) timer = setTimeout(again, periodMs);
		};
		const wake = () => {
			if (document.visibilityState === 'visible') void again();
		};

		const first = load(controller.signal);
		untrack(() => void settle(first).then(plan));
		kept.refresh = again;
		document.addEventListener('visibilitychange', wake);
		window.addEventListener('online', wake);
		return () => {
			controller.abort();
			clearTimeout(timer);
			document.removeEventListener('visibilitychange', wake);
			window.removeEventListener('online', wake);
		};
	});
	return kept;
}
