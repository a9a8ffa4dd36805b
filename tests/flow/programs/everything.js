// What Node is made of, each once: worker threads, WebAssembly, promises, timers, files, children,
// HTTP on loopback, compression and digests.  Prints a line for each.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const child = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const zlib = require('zlib');

function mix(seed) {
	let s = 0;
	for (let i = 0; i < 200000; i++)
		s = (s * 31 + i * seed) | 0;
	return s;
}

// (func (export "fib") (param i32) (result i32) ...), assembled by hand.
const FIB = new Uint8Array([
	0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0,
	7, 7, 1, 3, 0x66, 0x69, 0x62, 0, 0, 0x0a, 0x1e, 1, 0x1c, 0, 0x20, 0, 0x41, 2, 0x48,
	4, 0x7f, 0x20, 0, 5, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x20, 0, 0x41, 2, 0x6b, 0x10, 0,
	0x6a, 0x0b, 0x0b,
]);

function worker(n) {
	return new Promise((resolve, reject) => {
		const w = new Worker(__filename, { workerData: n });
		w.on('message', resolve);
		w.on('error', reject);
	});
}

function get(port, path) {
	return new Promise((resolve, reject) => {
		http.get({ host: '127.0.0.1', port, path }, (answer) => {
			let text = '';
			answer.on('data', (piece) => { text += piece; });
			answer.on('end', () => resolve(text));
		}).on('error', reject);
	});
}

async function main() {
	const results = await Promise.all([1, 2, 3, 4].map(worker));
	console.log('workers', results.every((r, i) => r === mix(i + 1)));

	const wasm = await WebAssembly.instantiate(FIB);
	console.log('wasm', wasm.instance.exports.fib(22));

	const order = [];
	setTimeout(() => order.push('timer'), 5);
	setImmediate(() => order.push('immediate'));
	process.nextTick(() => order.push('tick'));
	await new Promise((resolve) => setTimeout(resolve, 40));
	console.log('order', order[0], order.length);

	fs.writeFileSync('/tmp/file', 'hello');
	console.log('file', await fs.promises.readFile('/tmp/file', 'utf8'));
	console.log('child', child.execSync('echo from a child').toString().trim());

	const server = http.createServer((q, a) => a.end('path ' + q.url));
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const port = server.address().port;
	const texts = await Promise.all([...Array(20).keys()].map((i) => get(port, '/' + i)));
	console.log('http', texts.length, texts[19]);
	server.close();

	const packed = zlib.gzipSync('x'.repeat(100000));
	console.log('zlib', zlib.gunzipSync(packed).length);
	console.log('sha256', crypto.createHash('sha256').update('abc').digest('hex').slice(0, 8));

	const list = [];
	for (let i = 0; i < 300000; i++) {
		list.push({ i, text: 'n' + i });
		if (list.length > 20000)
			list.length = 0;
	}
	console.log('garbage', list.length);
}

if (isMainThread)
	main();
else
	parentPort.postMessage(mix(workerData));
