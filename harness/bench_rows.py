"""What `make bench` measures.  BENCH/ stands for the directory of the benchmark's own programs.

A row is (name, group, command, options).  Options: native=False (this host's twin of the program
would do other work), score=REGEX (the program measures a rate by itself; the ratio is of rates),
runs=N.  Groups of CPU are what design and issue call CPU-bound; start and spawn stand apart.
"""
import os
import subprocess
import tarfile

CPU = ("integer", "float", "neon", "memory", "interpreter", "crypto", "compute", "jit")
START = ("start",)
SPAWN = ("spawn",)

# Of tests/bench/kernels.c; the others are of integers.
KERNEL_GROUPS = {
    "matmul": "float", "nbody": "float", "mandelbrot": "float",
    "floats": "neon", "matmulf": "neon", "saxpy": "neon", "fir": "neon",
    "copy": "memory", "stream-copy": "memory", "stream-scale": "memory", "stream-add": "memory", "stream-triad": "memory",
}
PY = ["python3", "-c"]
SPEED = ["openssl", "speed", "-elapsed", "-seconds", "2", "-bytes", "16384", "-mr", "-evp"]
RATE = r"^\+F:\d+:[^:]+:([\d.]+)"
RSA_SIGNS = r"^\+F2:\d+:2048:([\d.]+)"


def pipe(text):
    return ["bash", "-o", "pipefail", "-c", text]


CONFIGURE = """
cd /tmp
n=0
for f in stdio stdlib string unistd pthread sys/stat sys/epoll math errno locale wchar nothere; do
    printf '#include <%s.h>\\nint main(void){return 0;}\\n' $f >conftest.c
    if gcc -E conftest.c -o conftest.i 2>conftest.err; then r=yes; else r=no; fi
    echo "checking for $f.h... $r" | sed -e 's/checking/checked/' >>conftest.log
    HAVE=$(echo HAVE_$f | tr 'a-z/.' 'A-Z__')
    if test $r = yes; then n=$(expr $n + 1); echo "#define $HAVE 1" >>conftest.h; fi
    rm -f conftest.c conftest.i conftest.err
    uname -m | grep -q aarch64 && test -d /usr/include
    cat conftest.log | awk '{ print $NF }' | sort | uniq -c >/dev/null
done
echo $n; rm -f conftest.*
"""

ROWS = [
    ("python-numeric", "interpreter", PY + ["s=0\nfor i in range(1500000): s+=i*i%7\nprint(s)"], {}),
    ("python-dict", "interpreter", PY + ["d={}\nfor i in range(600000): d[i%5000]=d.get(i%5000,0)+i\nprint(len(d))"], {}),
    ("python-string", "interpreter",
     PY + ["print(len(''.join(str(i) for i in range(500000)).replace('12','x').split('x')))"], {}),
    ("python-json", "interpreter",
     PY + ["import json\nd=[{'a':i,'b':[str(i)]*3} for i in range(20000)]\nprint(len(json.dumps(json.loads(json.dumps(d)))))"], {}),
    ("lua-fib", "interpreter", ["lua5.4", "BENCH/bench.lua", "fib"], {}),
    ("lua-float", "interpreter", ["lua5.4", "BENCH/bench.lua", "float"], {}),
    ("lua-tables", "interpreter", ["lua5.4", "BENCH/bench.lua", "tables"], {}),
    ("lua-strings", "interpreter", ["lua5.4", "BENCH/bench.lua", "strings"], {}),
    ("perl-hash", "interpreter",
     ["perl", "-e", "my %h; for my $i (1..900000) { $h{$i % 1000} += $i } print scalar(keys %h), \"\\n\""], {}),
    ("perl-regex", "interpreter",
     ["perl", "-e", "my $n=0; my $s='abc def ghi ' x 3000; for (1..50) { $n++ while $s =~ /(\\w+) (\\w+)/g } print \"$n\\n\""], {}),
    ("node-jit", "jit", ["node", "BENCH/bench.js"], {}),
    ("java", "jit", ["java", "BENCH/Bench.java"], {}),
    ("luajit", "jit", ["luajit", "BENCH/bench.lua", "all"], {}),
    ("openssl-sha256", "crypto", SPEED + ["sha256"], {"score": RATE}),
    ("openssl-aes128cbc", "crypto", SPEED + ["aes-128-cbc"], {"score": RATE}),
    ("openssl-chacha20", "crypto", SPEED + ["chacha20"], {"score": RATE}),
    ("openssl-rsa2048", "crypto", ["openssl", "speed", "-elapsed", "-seconds", "2", "-mr", "rsa2048"], {"score": RSA_SIGNS}),
    ("sha256sum", "crypto", pipe("head -c 60000000 /dev/zero | sha256sum"), {}),
    ("gzip", "compute", pipe("gzip -9 <BENCH/data | wc -c"), {}),
    ("bzip2", "compute", pipe("head -c 4000000 BENCH/data | bzip2 | wc -c"), {}),
    ("xz", "compute", pipe("head -c 3000000 BENCH/data | xz -6 | wc -c"), {}),
    ("zstd", "compute", pipe("zstd -12 <BENCH/data | zstd -dc | wc -c"), {}),
    ("sqlite", "compute",
     ["sqlite3", ":memory:", "create table t(a integer primary key, b); with recursive c(x) as (select 1 union all select x+1 "
      "from c where x<300000) insert into t select x, x*7%1000 from c; create index i on t(b); "
      "select b, count(*) from t group by b order by 2 desc limit 1;"], {}),
    ("gcc-2000-lines", "compute", ["gcc", "-O1", "-c", "BENCH/lines.c", "-o", "/tmp/lines.o"], {"native": False}),
    ("python-start", "start", PY + ["pass"], {}),
    ("node-start", "start", ["node", "-e", "0"], {}),
    ("java-start", "start", ["java", "-version"], {}),
    ("sh-spawn-500", "spawn", ["sh", "-c", "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done; echo $i"], {}),
    ("configure-like", "spawn", ["sh", "-c", CONFIGURE], {"native": False}),
]


def lines_of_c():
    """About two thousand lines of C."""
    function = ("int f%d(int a, int b)\n{\n\tint s = 0;\n\n\tfor (int i = 0; i < a; i++)\n\t\ts += i * b + %d;\n"
                "\tif (s > b)\n\t\treturn s ^ %d;\n\treturn a;\n}\n")
    return "".join(function % (i, i, i * 3) for i in range(200))


def write_data(image, where):
    """The files that rows read: a program's first 12 MB to compress, and C to compile."""
    data = os.path.join(where, "data")
    if not os.path.exists(data):
        with tarfile.open(image) as tar:
            content = tar.extractfile("./usr/lib/jvm/java-17-openjdk-arm64/lib/server/libjvm.so").read(12000000)
        with open(data + ".partial", "wb") as out:
            out.write(content)
        os.replace(data + ".partial", data)
    with open(os.path.join(where, "lines.c"), "w") as out:
        out.write(lines_of_c())


def kernel_rows(where):
    """The rows of the benchmark's own programs; their rounds are found by trying."""
    rows = []
    for program in ("kernels", "numeric"):
        path = os.path.join(where, program)
        out = subprocess.run(["qemu-aarch64-static", path], capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            name, group = (line.split() + ["integer"])[:2]
            if program == "kernels":
                group = KERNEL_GROUPS.get(name, "integer")
            rows.append((f"kernel-{name}", group, [f"BENCH/{program}", name, "ROUNDS"], {"native": program == "numeric"}))
    return rows


# Microseconds; design, section 9.
TARGETS = {
    "getppid": 0.10, "clock_gettime": 0.06, "stat": 0.6, "open+close": 2.5, "pread-4k": 0.8, "pwrite-4k": 1.0,
    "pipe-pingpong": 6, "socketpair": 1.5, "mmap-16k": 6, "fork+wait": 150, "fork+exec+wait": 1000, "create+unlink": 60,
    "start-container": 30000,
}
