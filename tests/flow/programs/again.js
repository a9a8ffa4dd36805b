// Enough for V8 to compile, optimise and give up optimisations, with exact results.
'use strict';
function fib(n) {
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function sieve(n) {
	const composite = new Uint8Array(n);
	let count = 0;
	for (let i = 2; i < n; i++) {
		if (composite[i])
			continue;
		count++;
		for (let j = i * 2; j < n; j += i)
			composite[j] = 1;
	}
	return count;
}

function add(a, b) {
	return a + b;
}

let sum = 0;
for (let i = 0; i < 50000; i++)
	sum = add(sum, i);
sum = add(sum, 0.5);
const text = add('sum ', sum);
let norm = 0;
for (let i = 0; i < 100000; i++)
	norm += Math.sqrt(i) * Math.sin(i);
console.log(fib(22), sieve(100000), text, norm.toFixed(6), [3, 1, 2].sort().join(''));
