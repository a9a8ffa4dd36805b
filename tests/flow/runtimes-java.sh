# OpenJDK: javac, both compilers of the virtual machine and its collectors; ten times in a row.
# needs: runtimes
# once
. "$FLOW/lib.sh"
result="fib 317811
map 1000 4950700
garbage 100000000 100
threads 200000 2646700 30000
nulls 150000
stream 21066
a,b,c Pair[name=q, value=3]
file text
child 0"
mkdir classes
chmod 755 classes
carrick run --rm -v "$FLOW/programs:/p:ro" -v "$PWD/classes:/c" runtimes:12 javac -d /c /p/Everything.java
for options in -XX:TieredStopAtLevel=1 "-XX:-TieredCompilation -XX:+UseParallelGC" "-XX:+UseG1GC -Xmx40m" \
	-XX:+UseZGC; do
	# shellcheck disable=SC2086 # several options
	expect_output "$result" carrick run --rm -v "$PWD/classes:/c:ro" runtimes:12 java $options -cp /c Everything
done
ten_times "fib 317811
map 1000 4950700" -v "$PWD/classes:/c:ro" runtimes:12 java -cp /c Everything short
