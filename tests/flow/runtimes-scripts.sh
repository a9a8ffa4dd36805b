# LuaJIT ten times in a row, with its translator and without, and beside it Lua and Ruby.
# needs: runtimes
# once
. "$FLOW/lib.sh"
result="fib	46368
sum 1.644933567
table 1000 19901400
text	108893
coroutine	50005000
mixed	498415"
ten_times "$result" -v "$FLOW/programs:/p:ro" runtimes:12 luajit /p/everything.lua
for lua in "luajit -joff" "luajit -Ohotloop=2 -Ohotexit=1" lua5.4; do
	# shellcheck disable=SC2086 # options
	expect_output "$result" carrick run --rm -v "$FLOW/programs:/p:ro" runtimes:12 $lua /p/everything.lua
done
# shellcheck disable=SC2016 # for Ruby
expect_output "9 [1, 4, 9] 100000" carrick run --rm runtimes:12 ruby -e '
	threads = (1..3).map { |i| Thread.new { i * i } }
	text = "x" * 100_000
	reader, writer = IO.pipe
	child = fork { reader.close; writer.write(text); writer.close }
	writer.close
	got = reader.read
	Process.wait(child)
	list = threads.map(&:value)
	puts "#{list.max} #{list} #{got.size}"'
expect_output "1 2000000" carrick run --rm runtimes:12 sh -c \
	'head -c 2000000 /dev/zero >/tmp/z; zstd -q -T2 -19 /tmp/z; zstd -qdc /tmp/z.zst | cmp - /tmp/z && echo 1 $(zstd -qdc /tmp/z.zst | wc -c)'
