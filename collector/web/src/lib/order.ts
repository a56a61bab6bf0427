// What stands first in a list, and which places a visit would serve. Pure.
import type { Agency, Alert, Asset, Named, Severity, WorkOrder } from './types';

const SEVERITIES: Severity[] = ['critical', 'warning', 'info'];
const ORDER_STATES: WorkOrder['state'][] = ['reopened', 'open', 'in_progress', 'planned', 'done', 'verified'];
const ASSET_STATES: Asset['state'][] = ['silent', 'unknown', 'up', 'off'];

/** Alerts with the gravest first, unacknowledged before acknowledged, then the newest. */
export function byUrgency(alerts: Alert[]): Alert[] {
	return [...alerts].sort(
		(left, right) =>
			SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity) ||
			Number(left.acknowledged !== null) - Number(right.acknowledged !== null) ||
			(right.fired_ms ?? right.since_ms) - (left.fired_ms ?? left.since_ms)
	);
}

/** Work orders that wait for somebody: ready to verify first, then by due date, then by state. */
export function ordersByUrgency(orders: WorkOrder[]): WorkOrder[] {
	return [...orders].sort(
		(left, right) =>
			Number(left.state === 'verified') - Number(right.state === 'verified') ||
			Number(right.ready_to_verify) - Number(left.ready_to_verify) ||
			(left.due_ms ?? Infinity) - (right.due_ms ?? Infinity) ||
			ORDER_STATES.indexOf(left.state) - ORDER_STATES.indexOf(right.state) ||
			right.opened_ms - left.opened_ms
	);
}

/** States that a person may move a work order to. The collector decides again. */
export function nextStates(state: WorkOrder['state'], signalCleared: boolean): WorkOrder['state'][] {
	// Closing needs the signal to have cleared; what is only said to be done waits for that.
	const close: WorkOrder['state'][] = signalCleared ? ['done', 'verified'] : ['done'];
	switch (state) {
		case 'open':
		case 'reopened':
			return ['planned', 'in_progress', ...close];
		case 'planned':
			return ['open', 'in_progress', ...close];
		case 'in_progress':
			return ['open', 'planned', ...close];
		case 'done':
			return ['verified', 'reopened'];
		case 'verified':
			return [];
	}
}

/** A place with what one visit there could set right. */
export interface Place {
	site: Named;
	agency: Named;
	alerts: number;
	orders: number;
}

/** Places with something to do, those with the most work orders first. */
export function places(alerts: Alert[], orders: WorkOrder[]): Place[] {
	const found = new Map<number, Place>();
	const at = (row: { site: Named; agency: Named }): Place => {
		const known = found.get(row.site.id) ?? { site: row.site, agency: row.agency, alerts: 0, orders: 0 };
		found.set(row.site.id, known);
		return known;
	};
	for (const alert of alerts) at(alert).alerts += 1;
	for (const order of orders) at(order).orders += 1;
	return [...found.values()].sort((left, right) => right.orders - left.orders || right.alerts - left.alerts);
}

/** Agencies as a list to indent: each after its parent, siblings by name. */
export function agencyTree(agencies: Agency[]): { agency: Agency; depth: number }[] {
	const known = new Set(agencies.map((agency) => agency.id));
	const children = new Map<number | null, Agency[]>();
	for (const agency of agencies) {
		// The root of what this account may see can have a parent that it may not see.
		const parent = agency.parent_id != null && known.has(agency.parent_id) ? agency.parent_id : null;
		children.set(parent, [...(children.get(parent) ?? []), agency]);
	}
	const listed: { agency: Agency; depth: number }[] = [];
	const walk = (parent: number | null, depth: number) => {
		const own = children.get(parent) ?? [];
		for (const agency of own.sort((left, right) => left.name.localeCompare(right.name, 'vi', { numeric: true }))) {
			listed.push({ agency, depth });
			walk(agency.id, depth + 1);
		}
	};
	walk(null, 0);
	return listed;
}

/** Columns that a list of assets can be sorted by. */
export type AssetColumn = 'state' | 'name' | 'agency' | 'cpu' | 'memory' | 'disk' | 'alerts' | 'last_seen';

/** Assets in the order of a column; unknown values stand last whichever way it goes. */
export function sortAssets(assets: Asset[], column: AssetColumn, descending: boolean): Asset[] {
	const turn = descending ? -1 : 1;
	return [...assets].sort((left, right) => {
		const [a, b] = [assetKey(left, column), assetKey(right, column)];
		if (a === null || b === null) return Number(a === null) - Number(b === null);
		const order =
			typeof a === 'string' && typeof b === 'string'
				? a.localeCompare(b, 'vi', { numeric: true })
				: Number(a) - Number(b);
		return order * turn || left.name.localeCompare(right.name, 'vi', { numeric: true });
	});
}

function assetKey(asset: Asset, column: AssetColumn): string | number | null {
	switch (column) {
		case 'state':
			return ASSET_STATES.indexOf(asset.state);
		case 'name':
			return asset.name;
		case 'agency':
			return `${asset.agency.name} ${asset.site.name}`;
		case 'alerts':
			return asset.alerts.critical * 1_000_000 + asset.alerts.warning * 1_000 + asset.alerts.info;
		case 'last_seen':
			return asset.last_seen_ms;
		default:
			return asset[column];
	}
}
