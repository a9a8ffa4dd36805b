// What hot JavaScript does: objects and methods, closures, typed arrays, strings, regular
// expressions, maps, JSON, sorting.
'use strict';
class Packet {
	constructor(link, id) {
		this.link = link;
		this.id = id;
		this.sum = 0;
	}
	add(n) {
		this.sum = (this.sum + n * this.id) % 1000003;
		return this.link;
	}
}

let list = null;
for (let i = 0; i < 100; i++)
	list = new Packet(list, i);
let total = 0;
for (let round = 0; round < 20000; round++)
	for (let p = list; p !== null; p = p.add(round));
for (let p = list; p !== null; p = p.link)
	total += p.sum;

const grid = new Float64Array(256 * 256);
for (let round = 0; round < 20; round++)
	for (let y = 1; y < 255; y++)
		for (let x = 1; x < 255; x++) {
			const at = y * 256 + x;
			grid[at] = (grid[at - 1] + grid[at + 1] + grid[at - 256] + grid[at + 256] + (x ^ y)) * 0.2;
		}

let text = '';
for (let i = 0; i < 60000; i++)
	text += String.fromCharCode(97 + i * 7 % 26) + (i % 11 === 0 ? ' ' : '');
const words = text.split(' ').map((w) => w.toUpperCase()).filter((w) => /[AEIOU]{1,2}.*[XYZ]/.test(w));

const map = new Map();
for (let i = 0; i < 200000; i++)
	map.set('k' + i % 5000, (map.get('k' + i % 5000) || 0) + i);
const data = JSON.parse(JSON.stringify([...map].map(([k, v]) => ({ k, v, list: [k, v, null] }))));
data.sort((a, b) => a.v - b.v || (a.k < b.k ? -1 : 1));
console.log(total, grid[12345].toFixed(6), words.length, data[17].k);
