// SPDX-License-Identifier: LGPL-2.1-or-later
// launch.mjs: Debian's browsers, headless, by packages that are installed elsewhere (see `./dev interop`).
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.NODE_PACKAGES ?? process.cwd()}/`);
const load = async (name) => { const module = await import(pathToFileURL(require.resolve(name))); return module.default ?? module; };

// Chromium refuses to start as root with its sandbox on, which cannot confine root. Nobody else should go without it.
const args = process.getuid() === 0 ? ['--no-sandbox'] : [];

const browsers = {
  chromium: { path: '/usr/bin/chromium', launch: async (executablePath) => (await load('playwright-core')).chromium.launch({ executablePath, args }) },
  firefox: {
    path: '/usr/bin/firefox-esr',
    launch: async (executablePath) => (await load('puppeteer-core')).launch({ browser: 'firefox', executablePath, headless: true }),
  },
};

export const names = Object.keys(browsers);
export const isInstalled = (name) => existsSync(browsers[name].path);
/** What both packages understand alike: newPage(), close(), and of a page on('console') and evaluate(). */
export const launch = (name) => browsers[name].launch(browsers[name].path);
