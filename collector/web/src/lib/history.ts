// From the API's samples to lines that a chart can draw: one time axis, gaps where nothing was measured. Pure.
import type { Samples, Series } from './types';

/** A value; null for a gap; undefined where the line goes on because values come less often than slots. */
export type Slot = number | null | undefined;

/** One line: a value per slot of the axis; `low` and `high` are the extremes inside each slot. */
export interface Line {
	label: string;
	values: Slot[];
	low: Slot[];
	high: Slot[];
}

/** Lines over one axis of seconds since 1970, as uPlot wants them. */
export interface History {
	times: number[];
	lines: Line[];
}

/** More lines than this in one chart cannot be told apart. */
export const LINES_MAX = 6;
/** What is measured least often comes once in so many seconds: reports and climbs of the ladder. */
const INTERVAL_S = 60;

/** What to draw of one series: its label, and the change from the measured value to the drawn one. */
export interface Drawn {
	label: string;
	/** What the chart is about: it stands before the others. */
	first?: boolean;
	/** Where it stands among the others, and so its colour, when its label is not the same in every language. */
	place?: string;
	/** Falls where the measured value rises, as idle time does: then the extremes change places. */
	turned?: boolean;
	value?: (measured: number) => number;
}

/** Lines of those series that `draw` wants; the ones with the highest newest value when there are too many. */
export function history(samples: Samples, draw: (series: Series) => Drawn | null): History {
	const step = Math.max(1, samples.step_s) * 1000;
	const slots = Math.max(1, Math.round((samples.to_ms - samples.from_ms) / step));
	const made: { drawn: Drawn; line: Line }[] = [];
	for (const series of samples.series) {
		const drawn = draw(series);
		if (drawn !== null) made.push({ drawn, line: line(series, drawn, slots, step) });
	}
	made.sort((left, right) => newest(right.line) - newest(left.line));
	const kept = made.slice(0, LINES_MAX).sort(
		(left, right) =>
			Number(right.drawn.first ?? false) - Number(left.drawn.first ?? false) ||
			place(left.drawn).localeCompare(place(right.drawn))
	);
	return {
		times: Array.from({ length: slots }, (_, slot) => (samples.from_ms + slot * step) / 1000),
		lines: kept.map((each) => each.line)
	};
}

/** Whether there is anything to draw. */
export function isEmpty(drawn: History): boolean {
	return drawn.lines.every((line) => line.values.every((value) => value == null));
}

/** The moment of the first value, milliseconds; null when there is none. */
export function firstMoment(samples: Samples): number | null {
	const firsts = samples.series.map((series) => (series.mean ?? []).findIndex((mean) => mean !== null));
	const first = Math.min(...firsts.filter((slot) => slot >= 0));
	return Number.isFinite(first) ? samples.from_ms + first * samples.step_s * 1000 : null;
}

/** The newest value of a line, and the extremes over all of it. */
export function figures(line: Line): { newest: number | null; low: number | null; high: number | null } {
	const lows = line.low.filter((value) => value != null);
	const highs = line.high.filter((value) => value != null);
	return {
		newest: line.values.findLast((value) => value != null) ?? null,
		low: lows.length === 0 ? null : Math.min(...lows),
		high: highs.length === 0 ? null : Math.max(...highs)
	};
}

function line(series: Series, drawn: Drawn, slots: number, step: number): Line {
	const change = drawn.value ?? ((measured: number) => measured);
	const along = (measured: (number | null)[] | null | undefined) =>
		Array.from({ length: slots }, (_, slot): Slot => {
			const value = measured?.[slot];
			return value != null && Number.isFinite(value) ? change(value) : null;
		});
	const [low, high] = drawn.turned ? [series.max, series.min] : [series.min, series.max];
	const made: Line = { label: drawn.label, values: along(series.mean), low: along(low), high: along(high) };
	const bridged = Math.floor((INTERVAL_S * 1000) / step);
	for (const values of [made.values, made.low, made.high]) bridge(values, bridged);
	return made;
}

/** Turns gaps of at most `longest` slots between two values into places where the line goes on. */
function bridge(values: Slot[], longest: number): void {
	let last: number | null = null;
	values.forEach((value, slot) => {
		if (value == null) return;
		if (last !== null && slot - last - 1 <= longest) values.fill(undefined, last + 1, slot);
		last = slot;
	});
}

function place(drawn: Drawn): string {
	return drawn.place ?? drawn.label;
}

function newest(line: Line): number {
	return line.values.findLast((value) => value != null) ?? -Infinity;
}
