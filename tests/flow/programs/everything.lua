-- Traces, their side exits, tables, strings, coroutines; the same results under every Lua.
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print("fib", fib(24))

local sum = 0.0
for i = 1, 2000000 do sum = sum + 1 / (i * i) end
print(string.format("sum %.9f", sum))

local t = {}
for i = 1, 200000 do t[i % 1000 + 1] = (t[i % 1000 + 1] or 0) + i end
print(string.format("table %d %d", #t, t[8]))

local parts = {}
for i = 1, 20000 do parts[#parts + 1] = tostring(i):reverse() end
print("text", #table.concat(parts, ","))

local co = coroutine.wrap(function() for i = 1, 10000 do coroutine.yield(i) end return 0 end)
local n = 0
repeat local v = co(); n = n + v until v == 0
print("coroutine", n)

local mixed = 0
for i = 1, 300000 do
	local v = i % 7 == 0 and tostring(i) or i
	mixed = mixed + (type(v) == "string" and #v or 1)
end
print("mixed", mixed)
