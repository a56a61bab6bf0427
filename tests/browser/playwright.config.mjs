// One browser, the system's own: TRAM_CHROMIUM, or Debian's. Nothing is downloaded.
import { defineConfig } from '@playwright/test';

export default defineConfig({
	testDir: '.',
	testMatch: '*.spec.mjs',
	workers: 1,
	timeout: 90_000,
	expect: { timeout: 20_000 },
	reporter: [['list']],
	outputDir: 'test-results',
	use: {
		baseURL: process.env.TRAM_URL,
		// The collector under test has just made its own CA, which no browser knows.
		ignoreHTTPSErrors: true,
		locale: 'vi-VN',
		timezoneId: 'Asia/Ho_Chi_Minh',
		viewport: { width: 1440, height: 900 },
		launchOptions: {
			executablePath: process.env.TRAM_CHROMIUM ?? '/usr/bin/chromium',
			// Chromium's sandbox refuses to run as root, which tests in a container often are.
			args: process.getuid?.() === 0 ? ['--no-sandbox'] : []
		}
	}
});
