// How each state looks: a tone and an icon, for every kind of state in one table. Words come from the texts.
import type { IconName } from './components/Icon.svelte';

export type Tone = 'critical' | 'warning' | 'info' | 'good' | 'quiet' | 'accent';
export type Look = [Tone, IconName];

const unknown: Look = ['quiet', 'question'];
export const looks = {
	'asset-state': { up: ['good', 'check'], silent: ['critical', 'silent'], off: ['quiet', 'off'], unknown },
	severity: { critical: ['critical', 'critical'], warning: ['warning', 'warning'], info: ['info', 'info'] },
	'alert-state': { pending: ['quiet', 'clock'], firing: ['critical', 'alert'], resolved: ['good', 'check'] },
	'order-state': {
		open: ['warning', 'circle'],
		planned: ['info', 'calendar'],
		in_progress: ['accent', 'half'],
		done: ['good', 'check'],
		verified: ['good', 'lock'],
		reopened: ['critical', 'again']
	},
	verdict: {
		ok: ['good', 'check'],
		degraded: ['warning', 'warning'],
		captive: ['warning', 'lock'],
		lan_down: ['critical', 'cross'],
		gateway_down: ['critical', 'cross'],
		dns_broken: ['critical', 'cross'],
		uplink_down: ['critical', 'cross'],
		collector_unreachable: ['critical', 'cross'],
		unknown
	},
	outcome: {
		ok: ['good', 'check'],
		failed: ['critical', 'cross'],
		lossy: ['warning', 'warning'],
		captive: ['warning', 'lock'],
		skipped: ['quiet', 'dash']
	},
	'component-state': {
		ok: ['good', 'check'],
		degraded: ['warning', 'warning'],
		failed: ['critical', 'cross'],
		predicted_failure: ['critical', 'critical'],
		needs_cleaning: ['warning', 'warning'],
		unknown
	},
	'agent-state': {
		active: ['good', 'check'],
		revoked: ['critical', 'lock'],
		quarantined: ['warning', 'warning'],
		clone: ['critical', 'critical']
	}
} satisfies Record<string, Record<string, Look>>;

/** What a state belongs to; also the prefix of its words. */
export type Marked = keyof typeof looks;

/** The look of a state; a state that is new here looks unknown. */
export function lookOf(of: Marked, value: string): Look {
	return (looks[of] as Record<string, Look>)[value] ?? unknown;
}
