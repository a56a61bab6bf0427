// From a host's flat list of current values to what a person asks of it: how busy, how full, how warm. Pure. The names
// are OpenTelemetry's, as proto/src/sample.rs has them.
import type { Value } from './types';

export interface Readings {
	cpu: { busy: number | null; waiting: number | null; count: number | null; load: (number | null)[] };
	memory: { used: number | null; limit: number | null; share: number | null };
	swap: { used: number; limit: number; share: number } | null;
	filesystems: FileSystem[];
	disks: { device: string; read: number | null; write: number | null; busy: number | null }[];
	interfaces: { name: string; up: boolean | null; receive: number | null; transmit: number | null; errors: number | null }[];
	temperatures: { name: string; celsius: number; limit: number | null }[];
}

export interface FileSystem {
	mountpoint: string;
	type: string;
	used: number;
	free: number;
	limit: number;
	share: number;
	inodes: number | null;
	readOnly: boolean;
}

/** Sorts the current values of one host. */
export function readings(values: Value[]): Readings {
	const of = (name: string, attributes: Record<string, string> = {}) => find(values, name, attributes);
	const idle = of('system.cpu.utilization', { 'cpu.mode': 'idle' });
	return {
		cpu: {
			busy: idle === null ? null : 1 - idle,
			waiting: of('system.cpu.utilization', { 'cpu.mode': 'iowait' }),
			count: of('system.cpu.logical.count'),
			load: ['1m', '5m', '15m'].map((span) => of(`system.cpu.load_average.${span}`))
		},
		memory: memory(values),
		swap: swap(values),
		filesystems: filesystems(values),
		disks: disks(values),
		interfaces: interfaces(values),
		temperatures: temperatures(values)
	};
}

function memory(values: Value[]): Readings['memory'] {
	const limit = find(values, 'system.memory.limit');
	const available = find(values, 'system.linux.memory.available');
	const used =
		limit !== null && available !== null
			? limit - available
			: find(values, 'system.memory.usage', { 'system.memory.state': 'used' });
	return { used, limit, share: used !== null && limit ? used / limit : null };
}

function swap(values: Value[]): Readings['swap'] {
	const used = find(values, 'system.paging.usage', { 'system.paging.state': 'used' });
	const free = find(values, 'system.paging.usage', { 'system.paging.state': 'free' });
	if (used === null || free === null || used + free === 0) return null;
	return { used, limit: used + free, share: used / (used + free) };
}

function filesystems(values: Value[]): FileSystem[] {
	const key = 'system.filesystem.mountpoint';
	const found: FileSystem[] = [];
	for (const mountpoint of attributeValues(values, 'system.filesystem.usage', key)) {
		const state = (name: string, word: string) =>
			find(values, name, { [key]: mountpoint, 'system.filesystem.state': word });
		const used = state('system.filesystem.usage', 'used');
		const free = state('system.filesystem.usage', 'free');
		if (used === null || free === null || used + free === 0) continue;
		const inodesUsed = state('tram.filesystem.inodes', 'used');
		const inodesFree = state('tram.filesystem.inodes', 'free');
		const sample = values.find((value) => value.attributes[key] === mountpoint);
		found.push({
			mountpoint,
			type: sample?.attributes['system.filesystem.type'] ?? '',
			used,
			free,
			limit: find(values, 'system.filesystem.limit', { [key]: mountpoint }) ?? used + free,
			share: used / (used + free),
			inodes: inodesUsed !== null && inodesFree ? inodesUsed / (inodesUsed + inodesFree) : null,
			readOnly: find(values, 'tram.filesystem.read_only', { [key]: mountpoint }) === 1
		});
	}
	return found.sort((left, right) => right.share - left.share);
}

function disks(values: Value[]): Readings['disks'] {
	const key = 'system.device';
	return attributeValues(values, 'system.disk.io', key).map((device) => ({
		device,
		read: rate(values, 'system.disk.io', { [key]: device, 'disk.io.direction': 'read' }),
		write: rate(values, 'system.disk.io', { [key]: device, 'disk.io.direction': 'write' }),
		busy: rate(values, 'system.disk.io_time', { [key]: device })
	}));
}

function interfaces(values: Value[]): Readings['interfaces'] {
	const key = 'network.interface.name';
	return attributeValues(values, 'system.network.io', key).map((name) => {
		const up = find(values, 'hw.network.up', { [key]: name }) ?? find(values, 'hw.network.up', { 'hw.id': name });
		const errors = (direction: string) =>
			rate(values, 'system.network.errors', { [key]: name, 'network.io.direction': direction });
		const [received, sent] = [errors('receive'), errors('transmit')];
		return {
			name,
			up: up === null ? null : up === 1,
			receive: rate(values, 'system.network.io', { [key]: name, 'network.io.direction': 'receive' }),
			transmit: rate(values, 'system.network.io', { [key]: name, 'network.io.direction': 'transmit' }),
			errors: received === null && sent === null ? null : (received ?? 0) + (sent ?? 0)
		};
	});
}

function temperatures(values: Value[]): Readings['temperatures'] {
	const found: Readings['temperatures'] = [];
	for (const { name, attributes, value } of values) {
		if (name !== 'hw.temperature' || value === null) continue;
		const id = attributes['hw.id'] ?? '';
		const limits = values
			.filter((other) => other.name === 'hw.temperature.limit' && other.attributes['hw.id'] === id)
			.map((other) => other.value ?? 0)
			.filter((limit) => limit > 0);
		found.push({
			name: attributes['hw.name'] ?? id,
			celsius: value,
			limit: limits.length === 0 ? null : Math.min(...limits)
		});
	}
	return found.sort((left, right) => right.celsius - left.celsius);
}

function matching(values: Value[], name: string, attributes: Record<string, string>): Value | undefined {
	const wanted = Object.entries(attributes);
	return values.find(
		(value) => value.name === name && wanted.every(([key, word]) => value.attributes[key] === word)
	);
}

function find(values: Value[], name: string, attributes: Record<string, string> = {}): number | null {
	return matching(values, name, attributes)?.value ?? null;
}

function rate(values: Value[], name: string, attributes: Record<string, string>): number | null {
	return matching(values, name, attributes)?.rate ?? null;
}

function attributeValues(values: Value[], name: string, key: string): string[] {
	const words = values.filter((value) => value.name === name).map((value) => value.attributes[key] ?? '');
	return [...new Set(words)].filter((text) => text !== '').sort();
}
