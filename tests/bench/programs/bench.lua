-- bench.lua NAME: one of the rows below.
local rows = {}

function rows.fib()
	local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
	return fib(27)
end

function rows.float()
	local x, sum = 0.5, 0.0
	for i = 1, 4000000 do
		x = 3.7 * x * (1 - x)
		sum = sum + x / i
	end
	return string.format("%.6f", sum)
end

function rows.tables()
	local t, n = {}, 0
	for i = 1, 1500000 do t[i % 4096 + 1] = (t[i % 4096 + 1] or 0) + i end
	for round = 1, 20 do
		local objects = {}
		for i = 1, 10000 do objects[i] = { id = i, next = objects[i - 1] } end
		n = n + #objects
	end
	return t[77] + n
end

function rows.strings()
	local parts, n = {}, 0
	for i = 1, 150000 do parts[#parts + 1] = string.format("%d:%s", i, ("x"):rep(i % 7)) end
	local text = table.concat(parts, ",")
	for a, b in text:gmatch("(%d+):(x+)") do n = n + #a + #b end
	return n + #text:gsub("xx", "y"):upper()
end

-- For LuaJIT, which needs more to do.
function rows.all()
	local out = {}
	for i = 1, 6 do
		for _, name in ipairs({ "fib", "float", "tables", "strings" }) do out[#out + 1] = rows[name]() end
	end
	return #out
end

print(rows[arg[1]]())
