// The texts of the pages, in the reader's language: Fluent messages from collector/locales, and the {vi, en} pairs that
// the API sends. Knows nothing of the API.
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';
import type { Text } from './types';

export type Language = 'vi' | 'en';

const REMEMBERED = 'tram.language';
const sources: Record<Language, () => Promise<{ default: string }>> = {
	vi: () => import('../../../locales/vi/ui.ftl?raw'),
	en: () => import('../../../locales/en/ui.ftl?raw')
};

const current = $state<{ language: Language; bundle: FluentBundle | null }>({ language: 'vi', bundle: null });

/** The language of the page at this moment. */
export function language(): Language {
	return current.language;
}

/** Whether there are texts to show. */
export function loaded(): boolean {
	return current.bundle !== null;
}

/** The language chosen here before; Vietnamese where nothing was chosen. */
export function rememberedLanguage(): Language {
	return storedLanguage() ?? 'vi';
}

/** Takes the account's language, unless somebody chose another one in this browser. */
export async function preferLanguage(word: string): Promise<void> {
	if (storedLanguage() === null && (word === 'vi' || word === 'en')) await chooseLanguage(word);
}

/** Loads the texts of a language and shows the page in it. */
export async function chooseLanguage(next: Language): Promise<void> {
	if (current.bundle !== null && current.language === next) return;
	const source = await sources[next]();
	const bundle = new FluentBundle(next);
	bundle.addResource(new FluentResource(source.default));
	current.bundle = bundle;
	current.language = next;
	document.documentElement.lang = next;
}

/** The same, and the choice outlives the page. */
export async function rememberLanguage(next: Language): Promise<void> {
	try {
		localStorage.setItem(REMEMBERED, next);
	} catch {
		// A browser that keeps nothing still switches for as long as the page is open.
	}
	await chooseLanguage(next);
}

/** The text for a key. Fluent isolates what it puts in, so a name cannot turn the direction of the sentence around it. */
export function t(key: string, values?: Record<string, FluentVariable>): string {
	const pattern = current.bundle?.getMessage(key)?.value;
	return pattern ? current.bundle!.formatPattern(pattern, values ?? {}, []) : key;
}

/** The text for a word of the API (`up`, `uplink_down`): `PREFIX-word` with dashes; the word itself when it is new. */
export function word(prefix: string, value: string): string {
	const key = `${prefix}-${value.replaceAll('_', '-')}`;
	return current.bundle?.hasMessage(key) ? t(key) : value;
}

/** The reader's side of a text that the collector wrote in both languages. */
export function said(text: Text): string {
	return text[current.language] || text.vi || text.en;
}

function storedLanguage(): Language | null {
	try {
		const stored = localStorage.getItem(REMEMBERED);
		return stored === 'vi' || stored === 'en' ? stored : null;
	} catch {
		return null;
	}
}
