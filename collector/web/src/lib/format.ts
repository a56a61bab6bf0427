// Numbers, sizes, ages and dates as people read them. Pure: the language and the moment are parameters.
import type { Language } from './text.svelte';

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const DECIMAL_BITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
const NONE = '–';

/** A number with at most `digits` decimals, in the language's own notation. */
export function number(language: Language, value: number | null | undefined, digits = 1): string {
	if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
	return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** A share of one as a percentage. */
export function percent(language: Language, share: number | null | undefined, digits = 0): string {
	if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
	return `${number(language, share * 100, digits)} %`;
}

/** Bytes, in powers of 1024. */
export function bytes(language: Language, value: number | null | undefined): string {
	return scaled(language, value, 1024, BINARY);
}

/** Bytes moved per second, in powers of 1024. */
export function bytesPerSecond(language: Language, value: number | null | undefined): string {
	const text = scaled(language, value, 1024, BINARY);
	return text === NONE ? text : `${text}/s`;
}

/** Bytes per second as the bits per second that links are sold by, in powers of 1000. */
export function bitsPerSecond(language: Language, value: number | null | undefined): string {
	return scaled(language, value === null || value === undefined ? value : value * 8, 1000, DECIMAL_BITS);
}

/** Seconds as milliseconds, microseconds or seconds, whichever reads best. */
export function roundTrip(language: Language, seconds: number | null | undefined): string {
	if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
	if (seconds >= 1) return `${number(language, seconds, 2)} s`;
	if (seconds >= 0.001) return `${number(language, seconds * 1000, seconds < 0.01 ? 1 : 0)} ms`;
	return `${number(language, seconds * 1_000_000, 0)} µs`;
}

/** A length of time in its two largest units: `3 d 4 h`, `3 ngày 4 giờ`. */
export function duration(language: Language, seconds: number | null | undefined): string {
	if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
	const names = language === 'vi' ? ['ngày', 'giờ', 'phút', 'giây'] : ['d', 'h', 'min', 's'];
	const sizes = [86_400, 3_600, 60, 1];
	let rest = Math.max(0, Math.round(seconds));
	const parts: string[] = [];
	sizes.forEach((size, index) => {
		const count = Math.floor(rest / size);
		rest -= count * size;
		if (count > 0) parts.push(`${number(language, count, 0)} ${names[index]}`);
	});
	return parts.slice(0, 2).join(' ') || `0 ${names[3]}`;
}

/** How long ago (or ahead) a moment is, in one unit. */
export function age(language: Language, atMs: number | null | undefined, nowMs: number): string {
	if (atMs === null || atMs === undefined) return NONE;
	const seconds = Math.round((atMs - nowMs) / 1000);
	const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
	const size = Math.abs(seconds);
	if (size < 10) return words.format(0, 'second');
	if (size < 60) return words.format(seconds, 'second');
	if (size < 3_600) return words.format(Math.trunc(seconds / 60), 'minute');
	if (size < 86_400) return words.format(Math.trunc(seconds / 3_600), 'hour');
	return words.format(Math.trunc(seconds / 86_400), 'day');
}

/** `dd/MM/yyyy HH:mm`, in the reader's own time zone. */
export function dateTime(atMs: number | null | undefined): string {
	if (atMs === null || atMs === undefined) return NONE;
	const at = new Date(atMs);
	return `${date(atMs)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** `dd/MM/yyyy`, in the reader's own time zone. */
export function date(atMs: number | null | undefined): string {
	if (atMs === null || atMs === undefined) return NONE;
	const at = new Date(atMs);
	return `${two(at.getDate())}/${two(at.getMonth() + 1)}/${at.getFullYear()}`;
}

/** A moment as `<input type="date">` wants it. */
export function dateInput(atMs: number | null | undefined): string {
	if (atMs === null || atMs === undefined) return '';
	const at = new Date(atMs);
	return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** A moment as `<input type="datetime-local">` wants it. */
export function dateTimeInput(atMs: number | null | undefined): string {
	if (atMs === null || atMs === undefined) return '';
	const at = new Date(atMs);
	return `${dateInput(atMs)}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The moment that `<input type="datetime-local">` names; null when it is empty. */
export function fromDateTimeInput(input: string): number | null {
	const at = new Date(input).getTime();
	return input === '' || Number.isNaN(at) ? null : at;
}

/** The end of the local day that `<input type="date">` names; null when it is empty. */
export function endOfDay(input: string): number | null {
	const [year, month, day] = input.split('-').map(Number);
	if (!year || !month || !day) return null;
	return new Date(year, month - 1, day, 23, 59, 59).getTime();
}

/** A name that cannot turn the direction of the text around it, where there is no room for `<bdi>`: in an option. */
export function isolated(name: string): string {
	return `\u2068${name}\u2069`;
}

function scaled(language: Language, value: number | null | undefined, base: number, units: string[]): string {
	if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
	let size = value;
	let unit = 0;
	while (Math.abs(size) >= base && unit < units.length - 1) {
		size /= base;
		unit += 1;
	}
	return `${number(language, size, size < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

function two(value: number): string {
	return String(value).padStart(2, '0');
}
