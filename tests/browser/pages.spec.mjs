// What an operator sees and clicks, against a running collector: this machine, a failing machine, its alert and its work
// order, in both languages.
//
// TRAM_URL, TRAM_USER, TRAM_PASSWORD: where and as whom. TRAM_HOST: this machine's asset; TRAM_FAILING: the failing one's.
// TRAM_SCREENSHOTS: a directory for pictures of the pages; none are taken without it.
import { expect, test } from '@playwright/test';
import path from 'node:path';

const need = (name) => {
	const value = process.env[name];
	if (!value) throw new Error(`${name} is not set: see the head of tests/browser/pages.spec.mjs`);
	return value;
};
const url = need('TRAM_URL');
const [user, password] = [need('TRAM_USER'), need('TRAM_PASSWORD')];
const [host, failing] = [need('TRAM_HOST'), need('TRAM_FAILING')];

const words = {
	vi: {
		switch: 'Tiếng Việt',
		signIn: 'Đăng nhập',
		name: 'Tên đăng nhập',
		password: 'Mật khẩu',
		overview: 'Tổng quan',
		assets: 'Thiết bị',
		alerts: 'Cảnh báo',
		orders: 'Phiếu việc',
		search: 'Tìm kiếm',
		values: 'Số liệu hiện tại',
		ladder: 'Thang kết nối Internet',
		gateway: 'Cổng ra',
		action: 'Việc cần làm',
		source: 'Căn cứ của ngưỡng',
		evidence: 'Bằng chứng',
		close: 'Đóng',
		signOut: 'Đăng xuất'
	},
	en: {
		switch: 'English',
		signIn: 'Sign in',
		name: 'User name',
		password: 'Password',
		overview: 'Overview',
		assets: 'Assets',
		alerts: 'Alerts',
		orders: 'Work orders',
		search: 'Search',
		values: 'Current values',
		ladder: 'Internet reachability ladder',
		gateway: 'Gateway',
		action: 'Expected action',
		source: 'Source of the threshold',
		evidence: 'Evidence',
		close: 'Close',
		signOut: 'Sign out'
	}
};

/** Complaints of the browser, and requests to anywhere but the collector. */
function watch(page) {
	const complaints = [];
	page.on('console', (message) => {
		// Before anybody has signed in, asking who is signed in is answered by 401, and Chromium notes that.
		if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text());
	});
	page.on('pageerror', (error) => complaints.push(error.message));
	page.on('request', (request) => {
		const asked = new URL(request.url());
		if (asked.protocol.startsWith('http') && asked.origin !== new URL(url).origin) complaints.push(`asked ${asked.origin}`);
	});
	return complaints;
}

async function signIn(page, text, secret = password) {
	await page.getByLabel(text.name).fill(user);
	await page.getByLabel(text.password).fill(secret);
	await page.getByRole('button', { name: text.signIn, exact: true }).click();
}

async function picture(page, name, fullPage = false) {
	const directory = process.env.TRAM_SCREENSHOTS;
	await expect(page.getByText(/^(Đang tải|Loading)…$/)).toHaveCount(0);
	if (directory) await page.screenshot({ path: path.join(directory, `${name}.png`), fullPage });
}

async function goTo(page, name) {
	await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
	await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
}

/** Opens an asset from the list, found by its name. */
async function openAsset(page, text, name) {
	await goTo(page, text.assets);
	await page.getByLabel(text.search).fill(name);
	const row = page.getByTestId('assets').getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
	await expect(row).toHaveCount(1);
	await row.getByRole('link', { name, exact: true }).click();
	await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
}

/** How many dots of the first chart are drawn in any colour. */
async function dotsDrawn(page) {
	return page.getByTestId('charts').locator('canvas').first().evaluate((canvas) => {
		const dots = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
		return dots.reduce((count, value, index) => count + (index % 4 === 3 && value > 0 ? 1 : 0), 0);
	});
}

for (const [language, text] of Object.entries(words)) {
	test(`an operator sees this machine and the failing one (${language})`, async ({ page }) => {
		const complaints = watch(page);

		await page.goto('/maintenance');
		await page.getByRole('button', { name: text.switch }).click();
		await expect(page.getByRole('heading', { level: 1, name: text.signIn })).toBeVisible();
		await expect(page.locator('html')).toHaveAttribute('lang', language);
		await signIn(page, text);
		// The page that was asked for before signing in.
		await expect(page.getByRole('heading', { level: 1, name: text.orders })).toBeVisible();

		await goTo(page, text.overview);
		await expect(page.getByRole('link', { name: failing, exact: true }).first()).toBeVisible();
		await picture(page, `overview-${language}`);

		// What a place has leads to that, and the list says whose it is.
		await page.locator('a[href^="/alerts?site="]').first().click();
		await expect(page.getByTestId('only-site').locator('bdi')).toHaveText(/./);
		await expect(page.getByTestId('alerts').getByRole('article').first()).toBeVisible();

		await openAsset(page, text, host);
		await expect(page.getByRole('heading', { name: text.values })).toBeVisible();
		await expect(page.getByTestId('current-values')).toContainText('GiB');
		await expect(page.getByRole('heading', { name: text.ladder })).toBeVisible();
		await expect(page.getByTestId('ladder').getByRole('heading', { name: text.gateway })).toBeVisible();
		await expect.poll(() => dotsDrawn(page)).toBeGreaterThan(200);
		await picture(page, `asset-${language}`, true);

		await openAsset(page, text, failing);
		await goTo(page, text.alerts);
		const alert = page.getByTestId('alerts').getByRole('article').filter({ has: page.getByRole('link', { name: failing, exact: true }) });
		await expect(alert.first()).toContainText(text.action);
		await expect(alert.first()).toContainText(text.source);
		await picture(page, `alerts-${language}`);

		await goTo(page, text.orders);
		const order = page.getByTestId('work-orders').getByRole('row').filter({ has: page.getByRole('link', { name: failing, exact: true }) });
		await order.first().getByRole('button').click();
		const dialog = page.getByRole('dialog');
		await expect(dialog.getByRole('heading', { name: text.evidence })).toBeVisible();
		await expect(dialog.getByTestId('evidence').getByRole('listitem').first()).toBeVisible();
		await picture(page, `work-order-${language}`);
		await dialog.getByRole('button', { name: text.close }).last().click();
		await expect(dialog).toBeHidden();

		await page.getByRole('button', { name: text.signOut }).click();
		await expect(page.getByRole('heading', { level: 1, name: text.signIn })).toBeVisible();
		await page.goto('/assets');
		await expect(page.getByRole('heading', { level: 1, name: text.signIn })).toBeVisible();

		expect(complaints).toEqual([]);
	});
}

test('a wrong password is refused in words, and the language is remembered', async ({ page }) => {
	await page.goto('/signin');
	await page.getByRole('button', { name: words.en.switch }).click();
	await signIn(page, words.en, `${password}-not`);
	await expect(page.getByRole('alert')).not.toBeEmpty();
	await page.reload();
	await expect(page.getByRole('heading', { level: 1, name: words.en.signIn })).toBeVisible();
});
