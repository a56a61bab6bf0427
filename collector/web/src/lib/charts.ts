// Which charts an asset's page draws, from which samples, and how far back. Pure.
import type { Drawn } from './history';
import type { Samples, Series } from './types';

/** How far back charts look, and the width of one slot. */
export interface Span {
	minutes: number;
	stepS: number;
}

export const SPANS = {
	quarter: { minutes: 15, stepS: 15 },
	hour: { minutes: 60, stepS: 60 },
	sixHours: { minutes: 360, stepS: 120 },
	day: { minutes: 1_440, stepS: 300 },
	// Whole hours and five minutes: what samples are rolled up to answers for these.
	week: { minutes: 10_080, stepS: 1_800 },
	month: { minutes: 43_200, stepS: 7_200 }
} satisfies Record<string, Span>;

/** The shortest span that shows all of a history of this length; a day at most. */
export function spanFor(lengthMs: number): Span {
	const fits = (span: Span) => span.minutes <= SPANS.day.minutes && lengthMs <= span.minutes * 60_000 * 0.95;
	return Object.values(SPANS).find(fits) ?? SPANS.day;
}

export type Unit = 'percent' | 'bytes' | 'bytesPerSecond' | 'bitsPerSecond' | 'celsius' | 'roundTrip';

export interface ChartPlan {
	/** Key of its title. */
	key: string;
	/** Name of the samples it draws. */
	name: string;
	unit: Unit;
	/** Left out where the host does not measure it, instead of shown empty. */
	optional?: boolean;
	/** A change to the samples before they are drawn. */
	prepare?: (samples: Samples) => Samples;
	draw: (series: Series, t: (key: string) => string, memoryLimit: number | null) => Drawn | null;
}

export const charts: ChartPlan[] = [
	{
		key: 'cpu',
		name: 'system.cpu.utilization',
		unit: 'percent',
		draw: (series, t) => {
			const mode = series.attributes['cpu.mode'];
			if (mode === 'idle') return { label: t('cpu-busy'), first: true, turned: true, value: (idle) => 1 - idle };
			return mode === 'iowait' ? { label: t('waiting-for-disk') } : null;
		}
	},
	{
		key: 'memory',
		name: 'system.linux.memory.available',
		unit: 'bytes',
		draw: (_, t, limit) =>
			limit === null
				? { label: t('memory-available') }
				: { label: t('memory-used'), turned: true, value: (available) => limit - available }
	},
	{
		key: 'file-systems',
		name: 'system.filesystem.usage',
		unit: 'percent',
		prepare: sharesUsed,
		draw: (series) => ({ label: series.attributes['system.filesystem.mountpoint'] ?? '' })
	},
	{
		key: 'disks',
		name: 'system.disk.io',
		unit: 'bytesPerSecond',
		draw: (series, t) => direction(series, 'system.device', 'disk.io.direction', t)
	},
	{
		key: 'network',
		name: 'system.network.io',
		unit: 'bitsPerSecond',
		draw: (series, t) => direction(series, 'network.interface.name', 'network.io.direction', t)
	},
	{
		key: 'temperatures',
		name: 'hw.temperature',
		unit: 'celsius',
		optional: true,
		draw: (series) => ({ label: series.attributes['hw.name'] ?? series.attributes['hw.id'] ?? '' })
	},
	{
		key: 'round-trips',
		name: 'tram.reachability.rtt',
		unit: 'roundTrip',
		optional: true,
		draw: (series, t) => {
			const rung = series.attributes['tram.rung'] ?? '';
			if (!['gateway', 'internet', 'collector'].includes(rung)) return null;
			const address = series.attributes['server.address'] ?? '';
			return { label: `${t(`rung-${rung}`)} ${address}`, place: `${rung} ${address}` };
		}
	}
];

function direction(series: Series, what: string, way: string, t: (key: string) => string): Drawn {
	const [thing, direction] = [series.attributes[what] ?? '', series.attributes[way] ?? ''];
	return { label: `${thing} ${t(`direction-${direction}`)}`, place: `${thing} ${direction}` };
}

/** Used and free space of each file system as the share that is used. */
export function sharesUsed(samples: Samples): Samples {
	const state = (series: Series) => series.attributes['system.filesystem.state'];
	const mountpoint = (series: Series) => series.attributes['system.filesystem.mountpoint'];
	const series = samples.series.filter((used) => state(used) === 'used').flatMap((used) => {
		const free = samples.series.find((other) => state(other) === 'free' && mountpoint(other) === mountpoint(used));
		return free === undefined ? [] : [shareUsed(used, free)];
	});
	return { ...samples, series };
}

type Steps = Series['mean'];

function shareUsed(used: Series, free: Series): Series {
	const share = (a: number | null, b: number | null | undefined) => (a === null || b == null || a + b === 0 ? null : a / (a + b));
	const along = (mine: Steps, other: Steps) => mine?.map((value, slot) => share(value, other?.[slot])) ?? null;
	return { ...used, min: along(used.min, free.max), max: along(used.max, free.min), mean: along(used.mean, free.mean) };
}
