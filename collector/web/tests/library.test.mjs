// The pure parts of the pages: numbers and dates as text, samples as lines, values as readings, lists in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runnerImport } from 'vite';

process.env.TZ = 'Asia/Ho_Chi_Minh';
const load = async (name) =>
	(await runnerImport(new URL(`../src/lib/${name}.ts`, import.meta.url).pathname, { configFile: false })).module;
const format = await load('format');
const { history, isEmpty, firstMoment, figures } = await load('history');
const { charts, sharesUsed, spanFor, SPANS } = await load('charts');
const { readings } = await load('readings');
const order = await load('order');

test('numbers follow the language', () => {
	assert.equal(format.number('vi', 1234.56), '1.234,6');
	assert.equal(format.number('en', 1234.56), '1,234.6');
	assert.equal(format.percent('vi', 0.1234, 1), '12,3 %');
	assert.equal(format.bytes('en', 1536), '1.5 KiB');
	assert.equal(format.bytes('en', 1023), '1,023 B');
	assert.equal(format.bitsPerSecond('en', 125_000), '1 Mbit/s');
	assert.equal(format.roundTrip('vi', 0.0021), '2,1 ms');
	assert.equal(format.roundTrip('en', 0.0004), '400 µs');
});

test('what is not known is a dash, never a zero', () => {
	for (const show of [format.number, format.percent, format.bytes, format.bitsPerSecond, format.roundTrip, format.duration]) {
		for (const value of [null, undefined, NaN, Infinity]) assert.equal(show('vi', value), '–');
	}
	assert.equal(format.age('vi', null, 0), '–');
	assert.equal(format.dateTime(null), '–');
});

test('sizes and shares are written in their units', () => {
	assert.equal(format.bytes('en', 896_249_750), '855 MiB');
	assert.equal(format.percent('vi', 0.9995, 1), '100 %');
});

test('lengths of time and ages read like speech', () => {
	assert.equal(format.duration('vi', 3 * 86_400 + 4 * 3_600 + 59), '3 ngày 4 giờ');
	assert.equal(format.duration('en', 61), '1 min 1 s');
	assert.equal(format.duration('en', 0), '0 s');
	const now = Date.UTC(2026, 10, 23, 7, 0, 0);
	assert.equal(format.age('vi', now - 120_000, now), '2 phút trước');
	assert.equal(format.age('en', now - 3 * 3_600_000, now), '3 hours ago');
	assert.equal(format.age('en', now - 86_400_000, now), 'yesterday');
});

test('dates are day, month, year in local time, and survive their inputs', () => {
	const at = Date.UTC(2026, 0, 31, 17, 5);
	assert.equal(format.dateTime(at), '01/02/2026 00:05');
	assert.equal(format.dateInput(at), '2026-02-01');
	assert.equal(format.dateTime(format.endOfDay('2026-02-01')), '01/02/2026 23:59');
	assert.equal(format.fromDateTimeInput(format.dateTimeInput(at)), at);
	assert.equal(format.endOfDay(''), null);
	assert.equal(format.fromDateTimeInput('nonsense'), null);
});

const by = (values, more) => values.map((value) => (value === null ? null : value + more));
const series = (attributes, mean, name = 'x') => ({
	name,
	attributes,
	unit: '1',
	kind: 'gauge',
	mean,
	min: by(mean, -0.1),
	max: by(mean, 0.1)
});

test('a gap in the samples is a gap in the line', () => {
	const samples = { from_ms: 0, to_ms: 300_000, step_s: 60, series: [series({}, [0.5, 0.6, null, null, 0.9])] };
	// Twice missing is a gap; once may be a matter of seconds.
	const drawn = history(samples, () => ({ label: 'a' }));
	assert.deepEqual(drawn.times, [0, 60, 120, 180, 240]);
	assert.deepEqual(drawn.lines[0].values, [0.5, 0.6, null, null, 0.9]);
	assert.equal(figures(drawn.lines[0]).newest, 0.9);
	assert.equal(firstMoment(samples), 0);
	assert.equal(firstMoment({ ...samples, series: [series({}, [null, null, 1]), series({}, [null, 1, 1])] }), 60_000);
	assert.equal(firstMoment({ ...samples, series: [] }), null);
});

test('values that come less often than slots make a line all the same', () => {
	const [no, sent] = [[null, null, null], [1, 2, 3]];
	const mean = [sent[0], ...no, sent[1], ...no, null, ...no, sent[2]];
	const samples = { from_ms: 0, to_ms: 195_000, step_s: 15, series: [series({}, mean)] };
	const { values } = history(samples, () => ({ label: 'a' })).lines[0];
	assert.deepEqual(values.slice(0, 5), [1, undefined, undefined, undefined, 2]);
	assert.deepEqual(values.slice(5), [null, null, null, null, null, null, null, 3]);
});

test('a line that is turned over keeps its low below its high', () => {
	const idle = { from_ms: 0, to_ms: 60_000, step_s: 60, series: [series({ 'cpu.mode': 'idle' }, [0.75])] };
	const drawn = history(idle, (each) => charts[0].draw(each, (key) => key, null));
	assert.equal(drawn.lines[0].values[0], 0.25);
	assert.ok(drawn.lines[0].low[0] < 0.25 && drawn.lines[0].high[0] > 0.25);
});

test('steps beyond the range, infinite samples and too many lines do no harm', () => {
	const many = Array.from({ length: 20 }, (_, index) => series({ n: String(index) }, [index, 99]));
	many.push(series({ n: 'broken' }, [Infinity]));
	const drawn = history({ from_ms: 0, to_ms: 60_000, step_s: 60, series: many }, (each) => ({ label: each.attributes.n }));
	assert.equal(drawn.lines.length, 6);
	assert.deepEqual(drawn.lines.map((line) => line.label).sort(), ['14', '15', '16', '17', '18', '19']);
	assert.ok(isEmpty(history({ from_ms: 0, to_ms: 1, step_s: 60, series: [] }, () => ({ label: '' }))));
});

test('a line keeps its place and so its colour in every language', () => {
	const io = (direction) => ({ attributes: { 'network.interface.name': 'eth0', 'network.io.direction': direction }, mean: [1], min: [1], max: [1] });
	const samples = { from_ms: 0, to_ms: 60_000, step_s: 60, series: [io('transmit'), io('receive')] };
	const network = charts.find((chart) => chart.key === 'network');
	const labels = (words) =>
		history(samples, (each) => network.draw(each, (key) => words[key], null)).lines.map((line) => line.label);
	const english = { 'direction-receive': 'received', 'direction-transmit': 'sent' };
	const vietnamese = { 'direction-receive': 'nhận', 'direction-transmit': 'gửi' };
	assert.deepEqual(labels(english), ['eth0 received', 'eth0 sent']);
	assert.deepEqual(labels(vietnamese), ['eth0 nhận', 'eth0 gửi']);
});

test('used and free space become the share that is used', () => {
	const space = (state, mean) =>
		series({ 'system.filesystem.mountpoint': '/', 'system.filesystem.state': state }, mean, 'system.filesystem.usage');
	const shares = sharesUsed({ from_ms: 0, to_ms: 1, step_s: 60, series: [space('used', [30]), space('free', [10])] });
	assert.equal(shares.series.length, 1);
	assert.deepEqual(shares.series[0].mean, [0.75]);
});

test('a new host is not shown a day of nothing', () => {
	assert.equal(spanFor(5 * 60_000), SPANS.quarter);
	assert.equal(spanFor(50 * 60_000), SPANS.hour);
	assert.equal(spanFor(4 * 3_600_000), SPANS.sixHours);
	assert.equal(spanFor(90 * 3_600_000), SPANS.day);
});

test('readings say what is known and nothing else', () => {
	const value = (name, attributes, number, rate = null) => ({ name, attributes, unit: '', kind: 'gauge', value: number, rate });
	const empty = readings([]);
	assert.equal(empty.cpu.busy, null);
	assert.equal(empty.memory.share, null);
	assert.equal(empty.swap, null);
	const now = readings([
		value('system.cpu.utilization', { 'cpu.mode': 'idle' }, 0.75),
		value('system.memory.limit', {}, 100),
		value('system.linux.memory.available', {}, 40),
		value('system.filesystem.usage', { 'system.filesystem.mountpoint': '/', 'system.filesystem.state': 'used' }, 90),
		value('system.filesystem.usage', { 'system.filesystem.mountpoint': '/', 'system.filesystem.state': 'free' }, 10),
		value('system.network.io', { 'network.interface.name': 'e0', 'network.io.direction': 'receive' }, 5, 7),
		value('hw.temperature', { 'hw.id': 'a' }, null)
	]);
	assert.equal(now.cpu.busy, 0.25);
	assert.equal(now.memory.share, 0.6);
	assert.equal(now.filesystems[0].share, 0.9);
	assert.equal(now.filesystems[0].inodes, null);
	assert.deepEqual(now.interfaces, [{ name: 'e0', up: null, receive: 7, transmit: null, errors: null }]);
	assert.deepEqual(now.temperatures, []);
});

test('unknown values stand last whichever way a list is sorted', () => {
	const asset = (name, cpu) => ({ name, cpu, alerts: { critical: 0, warning: 0, info: 0 } });
	const assets = [asset('b', null), asset('a', 0.1), asset('c', 0.9)];
	const names = (descending) => order.sortAssets(assets, 'cpu', descending).map((each) => each.name);
	assert.deepEqual(names(false), ['a', 'c', 'b']);
	assert.deepEqual(names(true), ['c', 'a', 'b']);
});

test('agencies are listed below their parents, also when the parent may not be seen', () => {
	const agency = (id, name, parent_id) => ({ id, name, parent_id, kind: 'commune' });
	const listed = order.agencyTree([agency(3, 'Xã', 2), agency(2, 'Huyện', 1), agency(4, 'An', 9)]);
	assert.deepEqual(listed.map((node) => [node.agency.name, node.depth]), [['An', 0], ['Huyện', 0], ['Xã', 1]]);
});

test('a work order is closed only when its signal has cleared, and never opened again', () => {
	assert.ok(!order.nextStates('in_progress', false).includes('verified'));
	assert.ok(order.nextStates('in_progress', true).includes('verified'));
	assert.deepEqual(order.nextStates('verified', true), []);
});
