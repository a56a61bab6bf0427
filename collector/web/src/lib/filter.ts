// Filters live in the page's address, so that a filtered list can be kept, sent and gone back to.
import { goto } from '$app/navigation';
import { page } from '$app/state';

/** The filter's value in the address; `otherwise` where the address does not name it. */
export function filter(name: string, otherwise = ''): string {
	return page.url.searchParams.get(name) ?? otherwise;
}

/** Puts filters into the address; a value equal to its default is left out. */
export function setFilter(changes: Record<string, string>, defaults: Record<string, string> = {}): void {
	const url = new URL(page.url);
	for (const [name, value] of Object.entries(changes)) {
		if (value === (defaults[name] ?? '')) url.searchParams.delete(name);
		else url.searchParams.set(name, value);
	}
	void goto(url, { replaceState: true, keepFocus: true, noScroll: true });
}
